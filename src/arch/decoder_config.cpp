#include "arch/decoder_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "arch/decoder_fields.h"
#include "base/error.h"

namespace espalier {
namespace {

using nlohmann::json;

void read_mixtral(DecoderFields& fields, DecoderConfig& config) {
  config.norm_epsilon = fields.epsilon(1e-5);
  config.rope = fields.rope(1e6);
  config.windows = fields.windows(FirstSlidingLayer::kZero);
  config.expert_width = fields.width("intermediate_size");
  config.experts = fields.experts("num_local_experts", [](std::int64_t) { return true; });
  config.router.experts_per_token = fields.experts_per_token(2);
}

/// Blocks with experts of the Qwen families: every decoder_sparse_step-th, but for mlp_only_layers.
std::function<bool(std::int64_t)> qwen_moe_layers(JsonObject& object) {
  const std::int64_t step = object.integer("decoder_sparse_step", {1, kMostDecoderLayers}, 1);
  const auto dense = object.has("mlp_only_layers")
                         ? object.integers("mlp_only_layers", {0, kMostDecoderLayers})
                         : std::vector<std::int64_t>{};
  return [=](std::int64_t layer) {
    return (layer + 1) % step == 0 && std::find(dense.begin(), dense.end(), layer) == dense.end();
  };
}

void read_qwen(DecoderFields& fields, DecoderConfig& config) {
  JsonObject& object = fields.object();
  config.norm_epsilon = fields.epsilon(1e-6);
  config.rope = fields.rope(1e4);
  config.windows = object.boolean("use_sliding_window", false)
                       ? fields.windows(FirstSlidingLayer::kMaxWindowLayers)
                       : std::vector<std::int64_t>(static_cast<std::size_t>(config.layers), 0);
  config.dense_width = fields.width("intermediate_size");
  config.expert_width = fields.width("moe_intermediate_size");
  config.experts = fields.experts("num_experts", qwen_moe_layers(object));
  config.router.normalise = object.boolean("norm_topk_prob", false);
}

void read_qwen2(DecoderFields& fields, DecoderConfig& config) {
  read_qwen(fields, config);
  config.query_key_value_bias = fields.object().boolean("qkv_bias", true);
  config.shared_width = fields.width("shared_expert_intermediate_size");
  config.gated_shared_expert = true;
  config.router.experts_per_token = fields.experts_per_token(4);
}

void read_qwen3(DecoderFields& fields, DecoderConfig& config) {
  read_qwen(fields, config);
  fields.attention_bias();
  config.qk_norm = QkNorm::kPerHead;
  config.router.experts_per_token = fields.experts_per_token(8);
}

void read_olmoe(DecoderFields& fields, DecoderConfig& config) {
  JsonObject& object = fields.object();
  config.norm_epsilon = fields.epsilon(1e-5);
  config.rope = fields.rope(1e4);
  config.windows.assign(static_cast<std::size_t>(config.layers), 0);
  fields.attention_bias();
  config.qk_norm = QkNorm::kAllHeads;
  if (object.has("clip_qkv")) config.clip_qkv = object.number("clip_qkv", {1e-6, 1e9});
  config.expert_width = fields.width("intermediate_size");
  config.experts = fields.experts("num_experts", [](std::int64_t) { return true; });
  config.router.experts_per_token = fields.experts_per_token(8);
  config.router.normalise = object.boolean("norm_topk_prob", false);
}

/// What the three DeepSeek families share: which blocks have experts, and shared experts as one wide MLP.
void read_deepseek_layers(DecoderFields& fields, DecoderConfig& config) {
  JsonObject& object = fields.object();
  config.norm_epsilon = fields.epsilon(1e-6);
  config.windows.assign(static_cast<std::size_t>(config.layers), 0);
  fields.attention_bias();
  config.dense_width = fields.width("intermediate_size");
  config.expert_width = fields.width("moe_intermediate_size");
  const std::int64_t first = object.integer("first_k_dense_replace", {0, kMostDecoderLayers}, 0);
  const std::int64_t step = object.integer("moe_layer_freq", {1, kMostDecoderLayers}, 1);
  config.experts = fields.experts("n_routed_experts",
                                  [=](std::int64_t layer) { return layer >= first && layer % step == 0; });
  config.shared_width = object.integer("n_shared_experts", {0, kMostDecoderExperts}, 0) * config.expert_width;
}

/// The DeepSeek families do not normalise the gate of a single expert; the others do, to 1.
void read_deepseek_gates(DecoderFields& fields, DecoderConfig& config, std::optional<std::int64_t> top_k,
                         bool normalise) {
  config.router.experts_per_token = fields.experts_per_token(top_k);
  const bool asked = fields.object().boolean("norm_topk_prob", normalise);
  config.router.normalise = asked && config.router.experts_per_token > 1;
}

void read_deepseek(DecoderFields& fields, DecoderConfig& config) {
  read_deepseek_layers(fields, config);
  config.rope = fields.rope(1e4);
  fields.expect("scoring_func", {"softmax"}, "softmax");
  read_deepseek_gates(fields, config, std::nullopt, false);
}

void read_latent(JsonObject& object, DecoderConfig& config) {
  LatentAttention latent;
  if (object.has("q_lora_rank")) latent.query_rank = object.integer("q_lora_rank", {1, kWidestDecoder});
  latent.key_value_rank = object.integer("kv_lora_rank", {1, kWidestDecoder}, 512);
  latent.nope_head_width = object.integer("qk_nope_head_dim", {1, kWidestDecoder}, 128);
  latent.rope_head_width = object.integer("qk_rope_head_dim", {2, kWidestDecoder}, 64);
  latent.value_head_width = object.integer("v_head_dim", {1, kWidestDecoder}, 128);
  if (latent.rope_head_width % 2 != 0)
    object.fail("qk_rope_head_dim", fmt::format("found {}, expected an even width", latent.rope_head_width));
  config.latent = latent;
  config.head_width = latent.nope_head_width + latent.rope_head_width;
  config.key_value_heads = config.heads;
}

void read_groups(JsonObject& object, RouterConfig& router) {
  router.groups = object.integer("n_group", {1, kMostDecoderExperts}, 1);
  router.top_groups = object.integer("topk_group", {1, kMostDecoderExperts}, 1);
  if (router.top_groups > router.groups)
    object.fail("topk_group",
                fmt::format("found {}, but there are {} groups (n_group)", router.top_groups, router.groups));
}

void read_deepseek_v2(DecoderFields& fields, DecoderConfig& config) {
  JsonObject& object = fields.object();
  read_deepseek_layers(fields, config);
  read_latent(object, config);
  config.rope = fields.rope(1e4);
  config.rope.interleaved = true;
  fields.expect("scoring_func", {"softmax"}, "softmax");
  // "gready" is the default of the original code.
  if (fields.expect("topk_method", {"greedy", "gready", "group_limited_greedy"}, "greedy") ==
      "group_limited_greedy")
    read_groups(object, config.router);
  read_deepseek_gates(fields, config, std::nullopt, false);
  // The original code scales only where it does not normalise.
  const double scale = object.number("routed_scaling_factor", {0.0, 1e9}, 1.0);
  config.router.scale = config.router.normalise ? 1.0 : scale;
}

void read_deepseek_v3(DecoderFields& fields, DecoderConfig& config) {
  JsonObject& object = fields.object();
  read_deepseek_layers(fields, config);
  read_latent(object, config);
  config.rope = fields.rope(1e4);
  config.rope.interleaved = object.boolean("rope_interleave", true);
  fields.expect("scoring_func", {"sigmoid"}, "sigmoid");
  fields.expect("topk_method", {"noaux_tc"}, "noaux_tc");
  read_groups(object, config.router);
  config.router.score = GateScore::kSigmoid;
  config.router.group_score = GroupScore::kSumOfTwoBest;
  config.router.correction_bias = true;
  read_deepseek_gates(fields, config, 8, true);
  config.router.scale = object.number("routed_scaling_factor", {0.0, 1e9}, 2.5);
  config.next_token_layers = object.integer("num_nextn_predict_layers", {0, 64}, 0);
}

struct ReaderRow {
  std::string_view model_type;
  void (*read)(DecoderFields& fields, DecoderConfig& config);
};
constexpr std::array<ReaderRow, 7> kReaders{{{"mixtral", read_mixtral},
                                             {"qwen2_moe", read_qwen2},
                                             {"qwen3_moe", read_qwen3},
                                             {"olmoe", read_olmoe},
                                             {"deepseek", read_deepseek},
                                             {"deepseek_v2", read_deepseek_v2},
                                             {"deepseek_v3", read_deepseek_v3}}};

/// K experts are there in every block, and within reach of the groups that a token may choose from.
void check_routing(JsonObject& object, const DecoderConfig& config) {
  const RouterConfig& router = config.router;
  for (std::size_t layer = 0; layer < config.experts.size(); ++layer) {
    const std::int64_t experts = config.experts[layer];
    if (experts == 0) continue;
    if (experts % router.groups != 0)
      object.fail("n_group", fmt::format("{} groups do not divide the {} experts of block {}", router.groups,
                                         experts, layer));
    const std::int64_t reach = experts / router.groups * router.top_groups;
    if (router.experts_per_token > reach)
      object.fail("num_experts_per_tok",
                  fmt::format("found {}, but a token can choose from {} experts of block {} only",
                              router.experts_per_token, reach, layer));
  }
}

}  // namespace

double yarn_mscale(double factor, double m) {
  return factor <= 1.0 ? 1.0 : 0.1 * m * std::log(factor) + 1.0;
}

double yarn_amplitude(const RopeConfig::Yarn& yarn) {
  if (yarn.attention_factor) return *yarn.attention_factor;
  return yarn_mscale(yarn.factor, yarn.mscale) / yarn_mscale(yarn.factor, yarn.mscale_all_dim);
}

bool is_decoder(std::string_view model_type) {
  return std::any_of(kReaders.begin(), kReaders.end(),
                     [&](const ReaderRow& row) { return row.model_type == model_type; });
}

bool describes_decoder(const json& config) {
  if (!config.is_object() || !config.contains("model_type")) return false;
  const json& type = config["model_type"];
  return type.is_string() && is_decoder(type.get_ref<const std::string&>());
}

DecoderConfig parse_decoder_config(const json& fields, std::string_view source) {
  DecoderConfig config;
  DecoderFields reader(fields, source, config);
  JsonObject& object = reader.object();
  config.model_type = object.string("model_type");
  for (const ReaderRow& row : kReaders) {
    if (row.model_type != config.model_type) continue;
    reader.read_sizes();
    row.read(reader, config);
    check_routing(object, config);
    return config;
  }
  std::vector<std::string_view> known;
  for (const ReaderRow& row : kReaders) known.push_back(row.model_type);
  object.fail("model_type", fmt::format("found \"{}\", expected a decoder", config.model_type),
              fmt::format("known: {}", fmt::join(known, ", ")));
}

}  // namespace espalier
