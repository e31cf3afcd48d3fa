#include "surgery/export_onnx.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "surgery/dense_encoder.h"
#include "surgery/onnx_graph.h"

namespace espalier {
namespace {

using arch::Part;
using arch::Role;
using Integers = OnnxGraph::Integers;

/// The forward pass of infer/encoder.h, in ONNX's operators.
class EncoderGraph {
 public:
  explicit EncoderGraph(const Checkpoint& checkpoint)
      : checkpoint_(checkpoint), model_(describe_dense_encoder(checkpoint)), D_(model_.spec.width) {
    for (const auto& tensor : arch::expected_tensors(model_.spec)) shapes_[tensor.key] = tensor.shape;
  }

  OnnxExport build() {
    for (const char* name : {"input_ids", "attention_mask", "token_type_ids"})
      graph_.input(name, {"batch", "sequence"});
    mask_ = attention_mask();
    std::string x = embeddings();
    for (std::int64_t layer = 0; layer < model_.spec.layers(); ++layer) x = block(layer, x);
    const std::string output = head(x);
    note_labels();
    return {output, graph_.parameters()};
  }

  void write(const std::filesystem::path& file) const { graph_.write(file); }

 private:
  using Node = OnnxGraph::Node;
  std::string node(std::string_view type, const std::vector<std::string>& inputs) {
    return graph_.node(type, inputs).done();
  }

  enum class As { kStored, kTransposed };

  /// A weight under the name that it has in the checkpoint.
  std::string weight(const arch::TensorKey& key, As as = As::kStored) {
    Integers shape = shapes_.at(key);
    const std::string stored = model_.tensors.at(key).weight;
    if (as == As::kTransposed) std::swap(shape.at(0), shape.at(1));
    return graph_.weight(stored, shape, [this, stored, as](std::span<float> to) { read(stored, as, to); });
  }

  void read(const std::string& name, As as, std::span<float> to) const {
    const formats::Weight weight = checkpoint_.weight(name);
    if (as == As::kStored) return weight.decode_rows(0, weight.rows, to.data());
    const std::size_t rows = static_cast<std::size_t>(weight.rows), columns = to.size() / rows;
    std::vector<float> values(to.size());
    weight.decode_rows(0, weight.rows, values.data());
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) to[c * rows + r] = values[r * columns + c];
  }

  /// x W^T + b.
  std::string linear(Role role, const std::string& x, std::int64_t layer = -1) {
    const auto product = node("MatMul", {x, weight({role, Part::kWeight, layer}, As::kTransposed)});
    return node("Add", {product, weight({role, Part::kBias, layer})});
  }

  std::string normalised(Role role, const std::string& x, double epsilon, std::int64_t layer = -1) {
    return graph_
        .node("LayerNormalization",
              {x, weight({role, Part::kWeight, layer}), weight({role, Part::kBias, layer})})
        .with("axis", std::int64_t{-1})
        .with("epsilon", static_cast<float>(epsilon))
        .done();
  }

  /// x (1 + erf(x / sqrt 2)) / 2.
  std::string gelu(const std::string& x) {
    const auto erf = node("Erf", {node("Div", {x, graph_.constant(std::sqrt(2.0F))})});
    const auto sum = node("Add", {erf, graph_.constant(1.0F)});
    return node("Mul", {node("Mul", {x, sum}), graph_.constant(0.5F)});
  }

  /// [batch, 1, 1, sequence]: 0 where there is a token, else the least number.
  std::string attention_mask() {
    const auto there = graph_.node("Cast", {"attention_mask"}).with("to", std::int64_t{1}).done();
    const auto wide = node("Unsqueeze", {there, graph_.constant(Integers{1, 2})});
    const auto absent = node("Sub", {graph_.constant(1.0F), wide});
    return node("Mul", {absent, graph_.constant(std::numeric_limits<float>::lowest())});
  }

  std::string embeddings() {
    word_ = weight({Role::kTokenEmbedding});
    const auto words = node("Gather", {word_, "input_ids"});
    const auto types = node("Gather", {weight({Role::kTypeEmbedding}), "token_type_ids"});
    const auto length = node(
        "Slice", {node("Shape", {"input_ids"}), graph_.constant(Integers{1}), graph_.constant(Integers{2})});
    const auto places = node("Slice", {weight({Role::kPositionEmbedding}), graph_.constant(Integers{0}),
                                       length, graph_.constant(Integers{0})});
    const auto sum = node("Add", {node("Add", {words, types}), places});
    return normalised(Role::kEmbeddingNorm, sum, model_.spec.text().norm->epsilon);
  }

  /// [batch, sequence, D] to the heads' parts, in the given order of dims.
  std::string by_head(const std::string& x, std::int64_t heads, const Integers& order) {
    const auto split = node("Reshape", {x, graph_.constant(Integers{0, 0, heads, D_ / heads})});
    return graph_.node("Transpose", {split}).with("perm", order).done();
  }

  std::string attention(std::int64_t layer, const std::string& x) {
    const auto heads = arch::heads_of(model_.spec.block(layer).mixer);
    const auto query = by_head(linear(Role::kQuery, x, layer), heads, {0, 2, 1, 3});
    const auto key = by_head(linear(Role::kKey, x, layer), heads, {0, 2, 3, 1});
    const auto value = by_head(linear(Role::kValue, x, layer), heads, {0, 2, 1, 3});
    const float scale = std::sqrt(static_cast<float>(D_ / heads));
    const auto scores = node("Div", {node("MatMul", {query, key}), graph_.constant(scale)});
    const auto shares =
        graph_.node("Softmax", {node("Add", {scores, mask_})}).with("axis", std::int64_t{-1}).done();
    const auto mixed =
        graph_.node("Transpose", {node("MatMul", {shares, value})}).with("perm", Integers{0, 2, 1, 3}).done();
    const auto joined = node("Reshape", {mixed, graph_.constant(Integers{0, 0, D_})});
    return linear(Role::kMixerOutput, joined, layer);
  }

  std::string block(std::int64_t layer, const std::string& x) {
    const double epsilon = model_.spec.block(layer).norm.epsilon;
    const auto attended = normalised(Role::kMixerNorm, node("Add", {attention(layer, x), x}), epsilon, layer);
    const auto inner = gelu(linear(Role::kUp, attended, layer));
    const auto sum = node("Add", {linear(Role::kDown, inner, layer), attended});
    return normalised(Role::kFeedForwardNorm, sum, epsilon, layer);
  }

  bool has(arch::Group group) const { return model_.tensors.has(group); }

  /// The head on the hidden states; its name.
  std::string head(const std::string& x) {
    if (has(arch::Group::kClassifier)) return has(arch::Group::kPooler) ? classifier(x) : marks(x);
    if (has(arch::Group::kMaskedWords)) return masked_words(x);
    graph_.output("last_hidden_state", {"batch", "sequence", fmt::to_string(D_)});
    return graph_.node("Identity", {x}).named("last_hidden_state");
  }

  std::string classifier(const std::string& x) {
    const auto first =
        node("Squeeze", {node("Slice", {x, graph_.constant(Integers{0}), graph_.constant(Integers{1}),
                                        graph_.constant(Integers{1})}),
                         graph_.constant(Integers{1})});
    const auto pooled = node("Tanh", {linear(Role::kPooler, first)});
    graph_.output("logits", {"batch", fmt::to_string(model_.spec.heads.label_count())});
    return graph_.node("Identity", {linear(Role::kClassifier, pooled)}).named("logits");
  }

  /// Of every token.
  std::string marks(const std::string& x) {
    graph_.output("logits", {"batch", "sequence", fmt::to_string(model_.spec.heads.label_count())});
    return graph_.node("Identity", {linear(Role::kClassifier, x)}).named("logits");
  }

  std::string masked_words(const std::string& x) {
    const auto inner = gelu(linear(Role::kMaskedWordTransform, x));
    const auto rows = normalised(Role::kMaskedWordNorm, inner, model_.spec.text().norm->epsilon);
    const auto words = graph_.node("Transpose", {word_}).with("perm", Integers{1, 0}).done();
    graph_.output("logits", {"batch", "sequence", fmt::to_string(model_.spec.text().vocabulary)});
    return graph_.node("Add", {node("MatMul", {rows, words}), weight({Role::kMaskedWordOutput, Part::kBias})})
        .named("logits");
  }

  void note_labels() {
    if (!has(arch::Group::kClassifier) || model_.spec.heads.labels.empty()) return;
    graph_.note("labels", nlohmann::json(model_.spec.heads.labels).dump());
  }

  const Checkpoint& checkpoint_;
  arch::DescribedModel model_;
  std::int64_t D_;
  std::map<arch::TensorKey, std::vector<std::int64_t>> shapes_;
  OnnxGraph graph_;
  std::string mask_, word_;
};

}  // namespace

OnnxExport describe_onnx(const Checkpoint& model) {
  return EncoderGraph(model).build();
}

OnnxExport export_onnx(const Checkpoint& model, const std::filesystem::path& file) {
  EncoderGraph graph(model);
  const OnnxExport made = graph.build();
  graph.write(file);
  return made;
}

}  // namespace espalier
