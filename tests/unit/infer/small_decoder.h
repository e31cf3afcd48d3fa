#pragma once

#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "arch/family.h"
#include "base/files.h"
#include "base/json.h"
#include "base/rng.h"
#include "checkpoint/checkpoint.h"
#include "infer/decoder_forward.h"
#include "paths.h"
#include "reference/elementwise.h"
#include "temporary_folder.h"

namespace espalier {

/// Names and shapes of a decoder's tensors, as the published checkpoints of its family have them.
class DecoderTensors {
 public:
  explicit DecoderTensors(const arch::ModelSpec& spec) : D(spec.width), mixtral_(spec.family == "mixtral") {
    const auto V = spec.text().vocabulary;
    linear("model.embed_tokens", V, D);
    if (!spec.heads.language->tied) linear("lm_head", V, D);
    norm("model.norm", D);
    for (std::int64_t layer = 0; layer < spec.layers(); ++layer)
      block("model.layers." + std::to_string(layer) + ".", spec.block(layer));
  }

  std::map<std::string, std::vector<std::int64_t>> shapes;

 private:
  void linear(const std::string& name, std::int64_t out, std::int64_t in, bool bias = false) {
    shapes[name + ".weight"] = {out, in};
    if (bias) shapes[name + ".bias"] = {out};
  }
  void norm(const std::string& name, std::int64_t width) { shapes[name + ".weight"] = {width}; }
  void mlp(const std::string& name, std::int64_t F, bool mixtral = false) {
    linear(name + (mixtral ? "w1" : "gate_proj"), F, D);
    linear(name + (mixtral ? "w3" : "up_proj"), F, D);
    linear(name + (mixtral ? "w2" : "down_proj"), D, F);
  }

  void block(const std::string& name, const arch::BlockSpec& spec) {
    norm(name + "input_layernorm", D);
    norm(name + "post_attention_layernorm", D);
    std::visit([&](const auto& a) { attention(name + "self_attn.", a); }, spec.mixer);
    if (const auto* experts = spec.moe())
      moe(name + (mixtral_ ? "block_sparse_moe." : "mlp."), *experts);
    else
      mlp(name + "mlp.", std::get<arch::FeedForward>(spec.feed_forward).width);
  }

  template <typename Other>
  void attention(const std::string&, const Other&) {}
  void attention(const std::string& name, const arch::LatentAttention& a) {
    if (a.query_rank) {
      linear(name + "q_a_proj", *a.query_rank, D, a.down_bias);
      norm(name + "q_a_layernorm", *a.query_rank);
    }
    linear(name + (a.query_rank ? "q_b_proj" : "q_proj"), a.heads * a.key_width(), a.query_rank.value_or(D));
    linear(name + "kv_a_proj_with_mqa", a.key_value_rank + a.rotary.width, D, a.down_bias);
    norm(name + "kv_a_layernorm", a.key_value_rank);
    linear(name + "kv_b_proj", a.heads * (a.nope_width + a.value_width), a.key_value_rank);
    linear(name + "o_proj", D, a.heads * a.value_width, a.output_bias);
  }
  void attention(const std::string& name, const arch::GroupedAttention& a) {
    const auto H = a.heads, G = a.key_value_heads, d = a.key_width;
    linear(name + "q_proj", H * d, D, a.query_key_value_bias);
    linear(name + "k_proj", G * d, D, a.query_key_value_bias);
    linear(name + "v_proj", G * d, D, a.query_key_value_bias);
    linear(name + "o_proj", D, H * d, a.output_bias);
    if (a.query_key_norm == arch::QueryKeyNorm::kNone) return;
    const bool all = a.query_key_norm == arch::QueryKeyNorm::kAllHeads;
    norm(name + "q_norm", all ? H * d : d);
    norm(name + "k_norm", all ? G * d : d);
  }

  void moe(const std::string& name, const arch::MixtureOfExperts& moe) {
    linear(name + "gate", moe.experts, D);
    if (moe.router.rule.correction_bias) shapes[name + "gate.e_score_correction_bias"] = {moe.experts};
    for (std::int64_t e = 0; e < moe.experts; ++e)
      mlp(name + "experts." + std::to_string(e) + ".", moe.expert.width, mixtral_);
    if (!moe.shared) return;
    mlp(name + (moe.shared->gated ? "shared_expert." : "shared_experts."), moe.shared->network.width);
    if (moe.shared->gated) linear(name + "shared_expert_gate", 1, D);
  }

  std::int64_t D;
  bool mixtral_;
};

inline std::map<std::string, std::vector<std::int64_t>> decoder_tensors(const arch::ModelSpec& spec) {
  return DecoderTensors(spec).shapes;
}

/// A random checkpoint on disk and its numbers.
class SmallDecoder {
 public:
  /// `fields` is a config.json; weights are rounded to `dtype`.
  explicit SmallDecoder(nlohmann::json fields, std::uint64_t seed = 1, Dtype dtype = Dtype::kF32)
      : spec(arch::read_spec(fields, "config.json")) {
    write_file(folder() / "config.json", dump_json(fields));
    Rng rng(seed);
    std::vector<TensorSource> sources;
    for (const auto& [name, shape] : decoder_tensors(spec)) {
      std::int64_t count = 1;
      for (const auto size : shape) count *= size;
      const bool vector = shape.size() == 1;
      const double center = vector && name.ends_with("norm.weight") ? 1.0 : 0.0;
      const double deviation = vector ? 0.3 : 1.6 / std::sqrt(static_cast<double>(shape.back()));
      std::vector<float> values;
      for (std::int64_t i = 0; i < count; ++i)
        values.push_back(static_cast<float>(center + deviation * rng.normal()));
      std::vector<std::byte> bytes(values.size() * size_bytes(dtype));
      from_float32(dtype, values, bytes);
      to_float32(dtype, bytes, values);
      weights[name] = reference::Values(values.begin(), values.end());
      sources.push_back({name, dtype, shape, [bytes](std::span<std::byte> to) {
                           std::memcpy(to.data(), bytes.data(), bytes.size());
                         }});
    }
    write_safetensors(folder() / "model.safetensors", std::move(sources));
  }

  const std::filesystem::path& folder() const { return folder_.path(); }
  Checkpoint open() const { return Checkpoint::open(folder()); }

  arch::ModelSpec spec;
  std::map<std::string, reference::Values> weights;

 private:
  TemporaryFolder folder_;
};

inline nlohmann::json golden_config(const std::string& golden) {
  return read_json(std::filesystem::path(source_dir()) / "tests/golden" / golden / "config.json");
}

/// Logits [N, V] of a sequence's residual stream [N, D].
inline Buffer<float> logits_of(const infer::DecoderModel& model, const Buffer<float>& x) {
  const auto N = x.size() / model.width();
  Buffer<float> logits(N * model.vocabulary());
  decoder_logits(model, N, x.data(), logits.data());
  return logits;
}

/// Ids below `vocabulary`, repeatable.
inline std::vector<std::int32_t> random_ids(std::int64_t count, std::int64_t vocabulary, std::uint64_t seed) {
  Rng rng(seed, 5);
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(vocabulary))));
  return ids;
}

}  // namespace espalier
