#include "arch/language_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "arch/moe_config.h"
#include "arch/moe_families.h"
#include "base/error.h"
#include "base/json.h"

namespace espalier {
namespace {

constexpr IntegerRange kModelSize{1, 10'000'000};
constexpr IntegerRange kSizeOrNone{0, 1'000'000'000};

std::string config_file(const Checkpoint& checkpoint) {
  return (checkpoint.folder() / "config.json").string();
}

const MoeFamily& family_row(const nlohmann::json& config, std::string_view source) {
  JsonObject object(config, std::string(source));
  const MoeFamily* family = find_moe_family(object.string("model_type"));
  if (family == nullptr) throw InternalError("not a family of language models");
  return *family;
}

[[noreturn]] void disagree(const Checkpoint& checkpoint, const TensorView& tensor, std::string_view expected,
                           std::string_view fields) {
  throw UserError(
      fmt::format("{}: tensor {} is [{}], config.json asks for {} ({})", checkpoint.folder().string(),
                  tensor.name, fmt::join(tensor.shape, ", "), expected, fields),
      "config.json and the tensors are not of one model");
}

bool is_of_numbers(Dtype dtype) {
  return dtype == Dtype::kF64 || dtype == Dtype::kF32 || dtype == Dtype::kF16 || dtype == Dtype::kBF16 ||
         dtype == Dtype::kF8E4M3 || dtype == Dtype::kF8E5M2;
}

/// The last two sizes of an expert's matrix are D and F in either order; gate and up may be one, 2F.
bool fits(std::span<const std::int64_t> matrix, std::int64_t width, std::int64_t inner) {
  const auto sizes = std::minmax({matrix[0], matrix[1]});
  return sizes == std::minmax({width, inner}) || sizes == std::minmax({width, 2 * inner});
}

void check_matrix(const Checkpoint& checkpoint, const std::string& name, std::size_t rank,
                  const ModelSizes& sizes, const MoeFamily& family) {
  const TensorView tensor = checkpoint.tensor(name);
  if (tensor.shape.size() != rank || !is_of_numbers(tensor.dtype) || parameters_of(tensor, 4) == 0) return;
  if (fits(tensor.shape.last(2), sizes.width, sizes.inner_width)) return;
  disagree(checkpoint, tensor, fmt::format("{} and {}", sizes.width, sizes.inner_width),
           fmt::format("width, {}", family.expert_width_field));
}

void check_shapes(const Checkpoint& checkpoint, const Topology& topology, const ModelSizes& sizes,
                  const MoeFamily& family) {
  for (const MoeLayerTensors& layer : topology.layers) {
    const TensorView router = checkpoint.tensor(layer.router);
    if (router.shape[1] != sizes.width)
      disagree(checkpoint, router, fmt::format("[{}, {}]", layer.num_experts, sizes.width), "experts, width");
    if (!layer.expert_tensors.empty()) {
      for (const std::string& name : layer.expert_tensors.front())
        check_matrix(checkpoint, name, 2, sizes, family);
    }
    for (const std::string& name : layer.stacked_tensors) check_matrix(checkpoint, name, 3, sizes, family);
  }
}

}  // namespace

ModelSizes language_model_sizes(const nlohmann::json& config, std::string_view source) {
  const MoeFamily& family = family_row(config, source);
  const MoeConfig moe = parse_moe_config(config, source);
  JsonObject object(config, std::string(source));
  const bool t5 = family.pattern == MoePattern::kEncoderDecoder;
  ModelSizes sizes;
  sizes.layers = static_cast<std::int64_t>(moe.experts.size());
  sizes.width = object.integer(t5 ? "d_model" : "hidden_size", kModelSize);
  sizes.heads = object.integer(t5 ? "num_heads" : "num_attention_heads", kModelSize);
  sizes.inner_width = object.integer(family.expert_width_field, kModelSize);
  sizes.vocabulary = object.integer("vocab_size", kModelSize);
  sizes.positions = object.integer("max_position_embeddings", kSizeOrNone, 0);
  return sizes;
}

void check_language_model(const Checkpoint& checkpoint) {
  const ModelSizes sizes = language_model_sizes(checkpoint.config(), config_file(checkpoint));
  for (const char* name : {"model.embed_tokens.weight", "lm_head.weight", "shared.weight"}) {
    if (!checkpoint.contains(name)) continue;
    const TensorView tensor = checkpoint.tensor(name);
    if (!is_of_numbers(tensor.dtype)) continue;
    if (tensor.shape.size() != 2 || tensor.shape[0] < sizes.vocabulary || tensor.shape[1] != sizes.width)
      disagree(checkpoint, tensor, fmt::format("[{}, {}]", sizes.vocabulary, sizes.width),
               "vocab_size, width");
  }
}

Topology language_model_topology(const Checkpoint& checkpoint) {
  const std::string source = config_file(checkpoint);
  const MoeFamily& family = family_row(checkpoint.config(), source);
  const MoeConfig moe = parse_moe_config(checkpoint.config(), source);
  ExpectedExperts expected{std::string(family.model_type),
                           moe.experts,
                           moe.encoder_blocks,
                           moe.experts_per_token,
                           moe.groups,
                           moe.top_groups,
                           moe.next_token_layers,
                           moe.next_token_experts,
                           std::string(family.experts_field)};
  Topology topology = find_topology(checkpoint, expected);
  check_shapes(checkpoint, topology, language_model_sizes(checkpoint.config(), source), family);
  return topology;
}

}  // namespace espalier
