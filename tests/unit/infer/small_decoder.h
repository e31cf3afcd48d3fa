#pragma once

#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "arch/decoder_config.h"
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
inline std::map<std::string, std::vector<std::int64_t>> decoder_tensors(const DecoderConfig& c) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  const auto D = c.hidden_size, H = c.heads, G = c.key_value_heads, d = c.head_width;
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in, bool bias = false) {
    shapes[name + ".weight"] = {out, in};
    if (bias) shapes[name + ".bias"] = {out};
  };
  const auto norm = [&](const std::string& name, std::int64_t width) { shapes[name + ".weight"] = {width}; };
  const auto mlp = [&](const std::string& name, std::int64_t F, bool mixtral = false) {
    linear(name + (mixtral ? "w1" : "gate_proj"), F, D);
    linear(name + (mixtral ? "w3" : "up_proj"), F, D);
    linear(name + (mixtral ? "w2" : "down_proj"), D, F);
  };
  linear("model.embed_tokens", c.vocab_size, D);
  if (!c.tied_embeddings) linear("lm_head", c.vocab_size, D);
  norm("model.norm", D);
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const std::string block = "model.layers." + std::to_string(layer) + ".", attention = block + "self_attn.";
    norm(block + "input_layernorm", D);
    norm(block + "post_attention_layernorm", D);
    const bool bias = c.query_key_value_bias;
    if (c.latent) {
      const auto& a = *c.latent;
      if (a.query_rank) {
        linear(attention + "q_a_proj", *a.query_rank, D, bias);
        norm(attention + "q_a_layernorm", *a.query_rank);
      }
      linear(attention + (a.query_rank ? "q_b_proj" : "q_proj"), H * d, a.query_rank.value_or(D));
      linear(attention + "kv_a_proj_with_mqa", a.key_value_rank + a.rope_head_width, D, bias);
      norm(attention + "kv_a_layernorm", a.key_value_rank);
      linear(attention + "kv_b_proj", H * (a.nope_head_width + a.value_head_width), a.key_value_rank);
      linear(attention + "o_proj", D, H * a.value_head_width, c.attention_output_bias);
    } else {
      linear(attention + "q_proj", H * d, D, bias);
      linear(attention + "k_proj", G * d, D, bias);
      linear(attention + "v_proj", G * d, D, bias);
      linear(attention + "o_proj", D, H * d, c.attention_output_bias);
      const bool all = c.qk_norm == QkNorm::kAllHeads;
      if (c.qk_norm != QkNorm::kNone) norm(attention + "q_norm", all ? H * d : d);
      if (c.qk_norm != QkNorm::kNone) norm(attention + "k_norm", all ? G * d : d);
    }
    const auto E = c.experts[static_cast<std::size_t>(layer)];
    if (E == 0) {
      mlp(block + "mlp.", c.dense_width);
      continue;
    }
    const bool mixtral = c.model_type == "mixtral";
    const std::string moe = block + (mixtral ? "block_sparse_moe." : "mlp.");
    linear(moe + "gate", E, D);
    if (c.router.correction_bias) shapes[moe + "gate.e_score_correction_bias"] = {E};
    for (std::int64_t e = 0; e < E; ++e)
      mlp(moe + "experts." + std::to_string(e) + ".", c.expert_width, mixtral);
    if (c.shared_width > 0)
      mlp(moe + (c.gated_shared_expert ? "shared_expert." : "shared_experts."), c.shared_width);
    if (c.gated_shared_expert) linear(moe + "shared_expert_gate", 1, D);
  }
  return shapes;
}

/// A random checkpoint on disk and its numbers.
class SmallDecoder {
 public:
  /// `fields` is a config.json; weights are rounded to `dtype`.
  explicit SmallDecoder(nlohmann::json fields, std::uint64_t seed = 1, Dtype dtype = Dtype::kF32)
      : config(parse_decoder_config(fields, "config.json")) {
    write_file(folder() / "config.json", dump_json(fields));
    Rng rng(seed);
    std::vector<TensorSource> sources;
    for (const auto& [name, shape] : decoder_tensors(config)) {
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

  DecoderConfig config;
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
  Buffer<float> logits(N * model.config.vocab_size);
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
