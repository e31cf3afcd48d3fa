#include "arch/decoder_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace espalier {
namespace {

using nlohmann::json;

/// A special token: an id, or a list of which the first counts (other forms are for other programs).
std::optional<std::int64_t> token(JsonObject& object, std::string_view key) {
  const json* found = object.find_value(key);
  if (found != nullptr && found->is_array() && !found->empty()) found = &found->front();
  if (found == nullptr || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

RopeConfig::Yarn yarn(JsonObject& scaling, std::int64_t max_positions) {
  RopeConfig::Yarn yarn;
  yarn.factor = scaling.number("factor", {1.0, 1e6});
  yarn.beta_fast = scaling.number("beta_fast", {1e-3, 1e6}, yarn.beta_fast);
  yarn.beta_slow = scaling.number("beta_slow", {1e-3, 1e6}, yarn.beta_slow);
  yarn.mscale = scaling.number("mscale", {0.0, 1e3}, yarn.mscale);
  yarn.mscale_all_dim = scaling.number("mscale_all_dim", {0.0, 1e3}, yarn.mscale_all_dim);
  yarn.original_positions =
      scaling.integer("original_max_position_embeddings", {1, std::int64_t{1} << 32}, max_positions);
  if (scaling.has("attention_factor"))
    yarn.attention_factor = scaling.number("attention_factor", {1e-6, 1e6});
  return yarn;
}

}  // namespace

DecoderFields::DecoderFields(const json& fields, std::string_view source, DecoderConfig& config)
    : object_(fields, std::string(source)), config_(config) {}

void DecoderFields::read_sizes() {
  config_.vocab_size = object_.integer("vocab_size", {1, kLargestVocabulary});
  config_.hidden_size = width("hidden_size");
  config_.layers = object_.integer("num_hidden_layers", {1, kMostDecoderLayers});
  config_.heads = object_.integer("num_attention_heads", {1, kMostDecoderExperts});
  config_.key_value_heads = object_.integer("num_key_value_heads", {1, kMostDecoderExperts}, config_.heads);
  if (config_.heads % config_.key_value_heads != 0)
    object_.fail("num_key_value_heads",
                 fmt::format("{} do not divide the {} heads", config_.key_value_heads, config_.heads));
  config_.head_width = object_.integer("head_dim", {1, kWidestDecoder},
                                       std::max<std::int64_t>(1, config_.hidden_size / config_.heads));
  // Latent attention has widths of its own.
  if (!object_.has("kv_lora_rank") && config_.head_width % 2 != 0)
    object_.fail(
        object_.has("head_dim") ? "head_dim" : "num_attention_heads",
        fmt::format("heads are {} wide, expected an even width (rotary embedding)", config_.head_width));
  config_.max_positions =
      object_.integer("max_position_embeddings", {1, std::int64_t{1} << 32}, std::int64_t{1} << 15);
  expect("hidden_act", {"silu"}, "silu");
  config_.tied_embeddings = object_.boolean("tie_word_embeddings", false);
  config_.bos_token = token(object_, "bos_token_id");
  config_.eos_token = token(object_, "eos_token_id");
}

std::int64_t DecoderFields::experts_per_token(std::optional<std::int64_t> fallback) {
  if (!fallback) return object_.integer("num_experts_per_tok", {1, kMostDecoderExperts});
  return object_.integer("num_experts_per_tok", {1, kMostDecoderExperts}, *fallback);
}

void DecoderFields::attention_bias() {
  config_.query_key_value_bias = config_.attention_output_bias = object_.boolean("attention_bias", false);
}

RopeConfig DecoderFields::rope(double theta) {
  constexpr NumberRange kThetas{1.0, 1e12};
  RopeConfig rope;
  const std::string_view where = object_.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  rope.theta = object_.number("rope_theta", kThetas, theta);
  if (!object_.has(where)) return rope;
  JsonObject scaling = object_.object(where);
  rope.theta = scaling.number("rope_theta", kThetas, rope.theta);
  const std::string type =
      scaling.has("rope_type") ? scaling.string("rope_type") : scaling.string("type", "default");
  if (type == "yarn") {
    rope.yarn = yarn(scaling, config_.max_positions);
  } else if (type == "linear") {
    rope.linear_factor = scaling.number("factor", {1e-6, 1e6});
  } else if (type != "default") {
    object_.fail(where, fmt::format("found the type \"{}\", expected default, linear or yarn", type));
  }
  return rope;
}

std::vector<std::int64_t> DecoderFields::windows(FirstSlidingLayer first) {
  std::vector<std::int64_t> windows(static_cast<std::size_t>(config_.layers), 0);
  if (!object_.has("sliding_window")) return windows;
  const std::int64_t window = object_.integer("sliding_window", {1, std::int64_t{1} << 40});
  if (object_.has("layer_types")) {
    const auto types = object_.strings("layer_types");
    if (types.size() != windows.size())
      object_.fail("layer_types",
                   fmt::format("the list has {} entries, expected one for each of the {} blocks",
                               types.size(), windows.size()));
    for (std::size_t i = 0; i < types.size(); ++i)
      if (types[i] == "sliding_attention") windows[i] = window;
    return windows;
  }
  const std::int64_t begin = first == FirstSlidingLayer::kZero
                                 ? 0
                                 : object_.integer("max_window_layers", {0, kMostDecoderLayers}, 28);
  for (std::int64_t layer = begin; layer < config_.layers; ++layer)
    windows[static_cast<std::size_t>(layer)] = window;
  return windows;
}

std::vector<std::int64_t> DecoderFields::experts(std::string_view key,
                                                 const std::function<bool(std::int64_t)>& is_moe) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(config_.layers), 0);
  const json& found = object_.value(key);
  if (!found.is_array()) {
    const std::int64_t count = object_.integer(key, {1, kMostDecoderExperts});
    for (std::int64_t layer = 0; layer < config_.layers; ++layer)
      if (is_moe(layer)) counts[static_cast<std::size_t>(layer)] = count;
    return counts;
  }
  if (found.size() != counts.size())
    object_.fail(key, fmt::format("the list has {} entries, expected one for each of the {} blocks",
                                  found.size(), counts.size()));
  for (std::size_t layer = 0; layer < counts.size(); ++layer) {
    const json& entry = found[layer];
    const std::string where = fmt::format("{}[{}]", key, layer);
    if (!is_moe(static_cast<std::int64_t>(layer))) {
      if (!entry.is_null()) object_.fail(where, "expected null, since the block has a plain MLP");
      continue;
    }
    const bool good = entry.is_number_integer() && entry >= 1 && entry <= kMostDecoderExperts;
    if (!good)
      object_.fail(where, fmt::format("found {}, expected a number of experts from 1 to {}", entry.dump(),
                                      kMostDecoderExperts));
    counts[layer] = entry.get<std::int64_t>();
  }
  return counts;
}

std::string DecoderFields::expect(std::string_view key, std::initializer_list<std::string_view> known,
                                  std::string_view fallback) {
  std::string value = object_.string(key, fallback);
  if (std::find(known.begin(), known.end(), value) == known.end())
    object_.fail(key, fmt::format("found \"{}\", expected {}", value, fmt::join(known, " or ")));
  return value;
}

}  // namespace espalier
