#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "reference/gated.h"

/// A dense Mistral, token by token, from its config.json and its tensors' numbers alone.
namespace espalier::reference {

class Mistral {
 public:
  Mistral(nlohmann::json config, std::map<std::string, Values> weights)
      : c_(std::move(config)), w_(std::move(weights)) {}

  /// [T, V]
  Values logits(const std::vector<std::int32_t>& ids) const {
    const std::size_t D = size("hidden_size");
    Values x;
    for (const auto id : ids) {
      const auto row =
          w("model.embed_tokens").begin() + static_cast<std::ptrdiff_t>(id * static_cast<int>(D));
      x.insert(x.end(), row, row + static_cast<std::ptrdiff_t>(D));
    }
    for (std::size_t layer = 0; layer < size("num_hidden_layers"); ++layer) {
      const std::string block = "model.layers." + std::to_string(layer) + ".";
      add(x, attention(block + "self_attn.", norm(x, block + "input_layernorm")));
      const Values h = norm(x, block + "post_attention_layernorm");
      Values gate_up = w(block + "mlp.gate_proj");
      const Values& up = w(block + "mlp.up_proj");
      gate_up.insert(gate_up.end(), up.begin(), up.end());
      add(x, gated_ffn(h, gate_up, w(block + "mlp.down_proj"), D));
    }
    const bool tied = c_.value("tie_word_embeddings", false);
    return times_transposed(norm(x, "model.norm"), w(tied ? "model.embed_tokens" : "lm_head"), D);
  }

 private:
  std::size_t size(const char* field) const { return c_.at(field).get<std::size_t>(); }
  const Values& w(const std::string& name) const { return w_.at(name + ".weight"); }
  Values norm(const Values& x, const std::string& name) const {
    return rms_norm(x, w(name), c_.at("rms_norm_eps").get<double>());
  }
  static void add(Values& x, const Values& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }

  Values attention(const std::string& name, const Values& x) const {
    const std::size_t D = size("hidden_size"), H = size("num_attention_heads"),
                      G = size("num_key_value_heads");
    const std::size_t d = c_.value("head_dim", D / H), T = x.size() / D;
    const Values q = times_transposed(x, w(name + "q_proj"), D),
                 k = times_transposed(x, w(name + "k_proj"), D),
                 v = times_transposed(x, w(name + "v_proj"), D);
    Values qkv;
    for (std::size_t t = 0; t < T; ++t)
      for (const auto* part : {&q, &k, &v}) {
        const auto width = static_cast<std::ptrdiff_t>(part->size() / T);
        const auto row = part->begin() + static_cast<std::ptrdiff_t>(t) * width;
        qkv.insert(qkv.end(), row, row + width);
      }
    const double theta = c_.at("rope_theta").get<double>();
    const auto window = c_.value("sliding_window", nlohmann::json());
    const Heads heads{H,
                      G,
                      d,
                      d,
                      0,
                      false,
                      window.is_null() ? 0 : window.get<std::size_t>(),
                      1 / std::sqrt(static_cast<double>(d))};
    const Values y = causal_attention(qkv, heads, [&](std::size_t t, std::size_t pair) {
      return static_cast<double>(t) *
             std::pow(theta, -2.0 * static_cast<double>(pair) / static_cast<double>(d));
    });
    return times_transposed(y, w(name + "o_proj"), H * d);
  }

  nlohmann::json c_;
  std::map<std::string, Values> w_;
};

}  // namespace espalier::reference
