#include "arch/bert_tensors.h"

#include <fmt/format.h>

namespace espalier {
namespace {

struct Dimension {
  std::int64_t size;
  std::string_view field;
};

/// Collects the tensors; the letters are those of src/README.md.
class Lister {
 public:
  explicit Lister(const BertMoeConfig& config)
      : config_(config),
        V{config.vocab_size, "vocab_size"},
        D{config.hidden_size, "hidden_size"},
        F{config.intermediate_size, "intermediate_size"} {}

  std::vector<ExpectedTensor> list() {
    embeddings();
    for (std::int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) block(layer);
    heads();
    return std::move(tensors_);
  }

 private:
  void add(std::string name, const std::vector<Dimension>& dimensions) {
    ExpectedTensor tensor{std::move(name), {}, {}, part_};
    for (const Dimension& dimension : dimensions) {
      tensor.shape.push_back(dimension.size);
      tensor.sized_by.push_back(dimension.field);
    }
    tensors_.push_back(std::move(tensor));
  }
  void linear(const std::string& name, Dimension out, Dimension in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }
  void norm(const std::string& name) {
    add(name + ".weight", {D});
    add(name + ".bias", {D});
  }

  void embeddings() {
    add("bert.embeddings.word_embeddings.weight", {V, D});
    add("bert.embeddings.position_embeddings.weight",
        {{config_.max_position_embeddings, "max_position_embeddings"}, D});
    add("bert.embeddings.token_type_embeddings.weight", {{config_.type_vocab_size, "type_vocab_size"}, D});
    norm("bert.embeddings.LayerNorm");
  }

  void block(std::int64_t layer) {
    const std::string prefix = fmt::format("bert.encoder.layer.{}.", layer);
    for (const std::string_view projection : {"query", "key", "value"}) {
      linear(fmt::format("{}attention.self.{}", prefix, projection), D, D);
    }
    linear(prefix + "attention.output.dense", D, D);
    norm(prefix + "attention.output.LayerNorm");
    if (config_.is_moe(layer)) {
      const Dimension experts{config_.experts_in(layer), "num_experts"};
      add(prefix + "moe.router.weight", {experts, D});
      for (std::int64_t expert = 0; expert < experts.size; ++expert) {
        feed_forward(fmt::format("{}moe.experts.{}.", prefix, expert));
      }
    } else {
      feed_forward(prefix);
    }
    norm(prefix + "output.LayerNorm");
  }

  void feed_forward(const std::string& prefix) {
    linear(prefix + "intermediate.dense", F, D);
    linear(prefix + "output.dense", D, F);
  }

  void heads() {
    part_ = BertPart::kPooler;
    linear("bert.pooler.dense", D, D);
    part_ = BertPart::kMaskedLanguageHead;
    linear("cls.predictions.transform.dense", D, D);
    norm("cls.predictions.transform.LayerNorm");
    add("cls.predictions.bias", {V});
    part_ = BertPart::kClassifier;
    linear("classifier", {config_.num_labels(), "the number of labels (id2label)"}, D);
  }

  const BertMoeConfig& config_;
  const Dimension V, D, F;
  BertPart part_ = BertPart::kEncoder;
  std::vector<ExpectedTensor> tensors_;
};

}  // namespace

std::int64_t ExpectedTensor::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;
  return product;
}

std::vector<ExpectedTensor> expected_tensors(const BertMoeConfig& config) {
  return Lister(config).list();
}

}  // namespace espalier
