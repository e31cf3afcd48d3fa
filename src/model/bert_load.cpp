#include <fmt/format.h>

#include "arch/bert_tensors.h"
#include "base/error.h"
#include "model/bert_checkpoint.h"

namespace espalier {
namespace {

/// Reads float32 tensors; names may lack the prefix `bert.` and layer norms bear their old names.
class Reader {
 public:
  explicit Reader(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  torch::Tensor read(const std::string& name, at::IntArrayRef shape) const {
    auto tensor = torch::empty(shape, torch::kFloat32);
    read_into(name, tensor);
    return tensor;
  }

  /// `destination` is contiguous and has the shape that check_tensors found in the file.
  void read_into(const std::string& name, torch::Tensor destination) const {
    const auto view = bert_tensor(checkpoint_, name);
    if (!std::equal(view.shape.begin(), view.shape.end(), destination.sizes().begin(),
                    destination.sizes().end()))
      throw InternalError(
          fmt::format("load_bert: tensor '{}' is not of the shape that was checked", view.name));
    to_float32(view.dtype, view.bytes,
               {destination.data_ptr<float>(), static_cast<std::size_t>(destination.numel())});
  }

 private:
  const Checkpoint& checkpoint_;
};

Linear read_linear(const Reader& reader, const std::string& name, std::int64_t out, std::int64_t in) {
  return {reader.read(name + ".weight", {out, in}), reader.read(name + ".bias", {out})};
}

LayerNorm read_norm(const Reader& reader, const std::string& name, std::int64_t width) {
  return {reader.read(name + ".weight", {width}), reader.read(name + ".bias", {width})};
}

Linear read_qkv(const Reader& reader, const std::string& name, std::int64_t D) {
  Linear qkv{torch::empty({3 * D, D}), torch::empty({3 * D})};
  const char* parts[] = {"query", "key", "value"};
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto part = fmt::format("{}.{}", name, parts[i]);
    reader.read_into(part + ".weight", qkv.weight.narrow(0, i * D, D));
    reader.read_into(part + ".bias", qkv.bias.narrow(0, i * D, D));
  }
  return qkv;
}

MoeLayer read_moe(const Reader& reader, const std::string& name, std::int64_t E,
                  const BertMoeConfig& config) {
  const auto D = config.hidden_size, F = config.intermediate_size;
  MoeLayer moe{
      reader.read(name + ".router.weight", {E, D}),
      {torch::empty({E, F, D}), torch::empty({E, F}), torch::empty({E, D, F}), torch::empty({E, D})}};
  for (std::int64_t e = 0; e < E; ++e) {
    const auto expert = fmt::format("{}.experts.{}", name, e);
    reader.read_into(expert + ".intermediate.dense.weight", moe.experts.up[e]);
    reader.read_into(expert + ".intermediate.dense.bias", moe.experts.up_bias[e]);
    reader.read_into(expert + ".output.dense.weight", moe.experts.down[e]);
    reader.read_into(expert + ".output.dense.bias", moe.experts.down_bias[e]);
  }
  return moe;
}

BertBlock read_block(const Reader& reader, std::int64_t l, const BertMoeConfig& config) {
  const auto D = config.hidden_size, F = config.intermediate_size;
  const auto name = fmt::format("bert.encoder.layer.{}", l);
  BertBlock block;
  block.qkv = read_qkv(reader, name + ".attention.self", D);
  block.attention_output = read_linear(reader, name + ".attention.output.dense", D, D);
  block.attention_norm = read_norm(reader, name + ".attention.output.LayerNorm", D);
  if (config.is_moe(l)) {
    block.feed_forward = read_moe(reader, name + ".moe", config.experts_in(l), config);
  } else {
    const auto up = read_linear(reader, name + ".intermediate.dense", F, D);
    const auto down = read_linear(reader, name + ".output.dense", D, F);
    block.feed_forward = FfnWeights{up.weight, up.bias, down.weight, down.bias};
  }
  block.output_norm = read_norm(reader, name + ".output.LayerNorm", D);
  return block;
}

}  // namespace

BertModel load_bert(const Checkpoint& checkpoint) {
  BertModel model;
  model.config = parse_bert_config(checkpoint.config(), (checkpoint.folder() / "config.json").string());
  const auto& c = model.config;
  const auto D = c.hidden_size;
  const auto parts = check_tensors(checkpoint, c);
  const Reader reader(checkpoint);
  model.embeddings = {
      reader.read("bert.embeddings.word_embeddings.weight", {c.vocab_size, D}),
      reader.read("bert.embeddings.position_embeddings.weight", {c.max_position_embeddings, D}),
      reader.read("bert.embeddings.token_type_embeddings.weight", {c.type_vocab_size, D}),
      read_norm(reader, "bert.embeddings.LayerNorm", D)};
  for (std::int64_t l = 0; l < c.num_hidden_layers; ++l) model.blocks.push_back(read_block(reader, l, c));
  if (parts.pooler) model.pooler = read_linear(reader, "bert.pooler.dense", D, D);
  if (parts.masked_language_head)
    model.mlm_head = MlmHead{read_linear(reader, "cls.predictions.transform.dense", D, D),
                             read_norm(reader, "cls.predictions.transform.LayerNorm", D),
                             reader.read("cls.predictions.bias", {c.vocab_size})};
  if (parts.classifier) model.classifier = read_linear(reader, "classifier", c.num_labels(), D);
  return model;
}

}  // namespace espalier
