#include "arch/decoder_config.h"

#include <fmt/format.h>

#include "arch/family.h"
#include "base/error.h"

namespace espalier {
namespace {

RopeConfig rope_of(const arch::Rotary& rotary) {
  RopeConfig rope;
  rope.theta = rotary.theta;
  rope.interleaved = rotary.pairs == arch::RotaryPairs::kNeighbours;
  rope.linear_factor = rotary.linear_factor;
  if (const auto& yarn = rotary.yarn)
    rope.yarn =
        RopeConfig::Yarn{yarn->factor,         yarn->beta_fast,          yarn->beta_slow,       yarn->mscale,
                         yarn->mscale_all_dim, yarn->original_positions, yarn->attention_factor};
  return rope;
}

void set_attention(const arch::GroupedAttention& attention, DecoderConfig& config) {
  config.heads = attention.heads;
  config.key_value_heads = attention.key_value_heads;
  config.head_width = attention.key_width;
  config.query_key_value_bias = attention.query_key_value_bias;
  config.attention_output_bias = attention.output_bias;
  config.qk_norm = static_cast<QkNorm>(attention.query_key_norm);
  config.clip_qkv = attention.clip;
  config.rope = rope_of(*attention.rotary);
}

void set_attention(const arch::LatentAttention& attention, DecoderConfig& config) {
  config.heads = config.key_value_heads = attention.heads;
  config.head_width = attention.key_width();
  config.query_key_value_bias = attention.down_bias;
  config.attention_output_bias = attention.output_bias;
  config.latent = LatentAttention{attention.query_rank, attention.key_value_rank, attention.rotary.width,
                                  attention.nope_width, attention.value_width};
  config.rope = rope_of(attention.rotary);
}

void set_attention(const arch::Unread&, DecoderConfig&) {}

std::int64_t window_of(const arch::Mixer& mixer) {
  if (const auto* grouped = std::get_if<arch::GroupedAttention>(&mixer)) return grouped->window;
  if (const auto* latent = std::get_if<arch::LatentAttention>(&mixer)) return latent->window;
  return 0;
}

void set_block(const arch::BlockSpec& block, DecoderConfig& config) {
  config.windows.push_back(window_of(block.mixer));
  config.experts.push_back(block.experts());
  const arch::MixtureOfExperts* moe = block.moe();
  if (moe == nullptr) {
    config.dense_width = std::get<arch::FeedForward>(block.feed_forward).width;
    return;
  }
  config.expert_width = moe->expert.width;
  config.router = moe->router.rule;
  if (!moe->shared) return;
  config.shared_width = moe->shared->network.width;
  config.gated_shared_expert = moe->shared->gated;
}

}  // namespace

double yarn_mscale(double factor, double m) {
  return arch::yarn_mscale(factor, m);
}

double yarn_amplitude(const RopeConfig::Yarn& yarn) {
  if (yarn.attention_factor) return *yarn.attention_factor;
  return yarn_mscale(yarn.factor, yarn.mscale) / yarn_mscale(yarn.factor, yarn.mscale_all_dim);
}

DecoderConfig parse_decoder_config(const nlohmann::json& json, std::string_view source) {
  const arch::ModelSpec spec = arch::read_spec(json, source);
  if (!spec.heads.language)
    throw UserError(fmt::format("{}: model_type: found \"{}\", expected a decoder", source, spec.family));
  arch::expect_runs(spec, source);
  return decoder_config_of(spec);
}

DecoderConfig decoder_config_of(const arch::ModelSpec& spec) {
  DecoderConfig config;
  config.model_type = spec.family;
  config.vocab_size = spec.text().vocabulary;
  config.hidden_size = spec.width;
  config.layers = spec.layers();
  config.max_positions = spec.positions();
  config.norm_epsilon = spec.blocks.front().norm.epsilon;
  config.tied_embeddings = spec.heads.language->tied;
  config.next_token_layers = spec.next_token.layers;
  config.bos_token = spec.text().bos_token;
  config.eos_token = spec.text().eos_token;
  std::visit([&](const auto& mixer) { set_attention(mixer, config); }, spec.blocks.front().mixer);
  for (const arch::BlockSpec& block : spec.blocks) set_block(block, config);
  return config;
}

}  // namespace espalier
