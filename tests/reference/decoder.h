#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "arch/decoder_config.h"
#include "reference/elementwise.h"
#include "reference/gated.h"

/// A decoder's forward pass as plain loops in float64, from tensors by their names in the checkpoint: the
/// oracle of src/model. It shares nothing with it but the configuration.
namespace espalier::reference {

struct Route {
  std::vector<std::size_t> chosen;
  Values gates, alpha, logits;
};

class Decoder {
 public:
  Decoder(const DecoderConfig& config, const std::map<std::string, Values>& weights)
      : c_(config), w_(weights) {}

  /// Residual stream after each layer [T, D], the last one first normed: see `logits`.
  std::vector<Values> hidden;
  /// routes[layer][token]
  std::map<std::int64_t, std::vector<Route>> routes;
  /// outputs[layer][token][slot]: what the chosen experts gave, before the gates.
  std::map<std::int64_t, std::vector<std::vector<Values>>> outputs;

  /// inputs[layer][token]: what the layer's experts are given.
  std::map<std::int64_t, std::vector<Values>> inputs;

  /// What one expert makes of x, whether it was chosen or not.
  Values expert_output(std::int64_t layer, std::size_t expert, const Values& x) const {
    const bool mixtral = c_.model_type == "mixtral";
    const std::string name = "model.layers." + std::to_string(layer) +
                             (mixtral ? ".block_sparse_moe." : ".mlp.") + "experts." +
                             std::to_string(expert) + ".";
    return mixtral ? ffn(name, "w1", "w3", "w2", x) : ffn(name, "gate_proj", "up_proj", "down_proj", x);
  }

  /// [T, V]
  Values logits(const std::vector<std::int64_t>& ids) {
    const std::size_t T = ids.size(), D = size(c_.hidden_size);
    Values x;
    for (const auto id : ids)
      for (std::size_t j = 0; j < D; ++j) x.push_back(w("model.embed_tokens.weight")[size(id) * D + j]);
    for (std::int64_t layer = 0; layer < c_.layers; ++layer) {
      const std::string name = "model.layers." + std::to_string(layer) + ".";
      add(x, attention(layer, name + "self_attn.", norm(x, w(name + "input_layernorm.weight"))));
      const Values h = norm(x, w(name + "post_attention_layernorm.weight"));
      for (std::size_t t = 0; t < T; ++t) {
        const Values token(h.begin() + t * D, h.begin() + (t + 1) * D);
        const Values y = c_.experts[size(layer)] > 0
                             ? moe(layer, name, token)
                             : ffn(name + "mlp.", "gate_proj", "up_proj", "down_proj", token);
        for (std::size_t j = 0; j < D; ++j) x[t * D + j] += y[j];
      }
      hidden.push_back(x);
    }
    return linear(norm(x, w("model.norm.weight")), D,
                  w(c_.tied_embeddings ? "model.embed_tokens.weight" : "lm_head.weight"));
  }

 private:
  static std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }
  const Values& w(const std::string& name) const { return w_.at(name); }
  bool has(const std::string& name) const { return w_.contains(name); }
  static void add(Values& x, const Values& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }

  /// x [n, in] W^T -> [n, out]
  static Values linear(const Values& x, std::size_t in, const Values& weight) {
    const std::size_t out = weight.size() / in, n = x.size() / in;
    Values y(n * out, 0.0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t o = 0; o < out; ++o)
        for (std::size_t j = 0; j < in; ++j) y[i * out + o] += x[i * in + j] * weight[o * in + j];
    return y;
  }
  Values linear(const std::string& name, const Values& x, std::size_t in) const {
    Values y = linear(x, in, w(name + ".weight"));
    if (!has(name + ".bias")) return y;
    const Values& bias = w(name + ".bias");
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += bias[i % bias.size()];
    return y;
  }
  Values norm(const Values& x, const Values& gamma) const { return rms_norm(x, gamma, c_.norm_epsilon); }

  double frequency(std::size_t pair, std::size_t width) const {
    const double w = static_cast<double>(width);
    const double plain =
        std::pow(c_.rope.theta, -2.0 * static_cast<double>(pair) / w) / c_.rope.linear_factor;
    if (!c_.rope.yarn) return plain;
    const auto& yarn = *c_.rope.yarn;
    const auto at = [&](double turns) {
      return w * std::log(static_cast<double>(yarn.original_positions) / (turns * 2 * std::numbers::pi)) /
             (2 * std::log(c_.rope.theta));
    };
    const double low = std::max(0.0, std::floor(at(yarn.beta_fast)));
    const double high = std::min(w - 1, std::ceil(at(yarn.beta_slow)));
    const double share = (static_cast<double>(pair) - low) / std::max(high - low, 0.001);
    const double interpolated = std::clamp(share, 0.0, 1.0);
    return interpolated * plain / yarn.factor + (1 - interpolated) * plain;
  }
  /// Turns x[first .. first + width) of a token at `position`.
  void turn(Values& x, std::size_t first, std::size_t width, std::size_t position) const {
    const double amplitude = c_.rope.yarn ? yarn_amplitude(*c_.rope.yarn) : 1.0;
    for (std::size_t pair = 0; pair < width / 2; ++pair) {
      const double angle = static_cast<double>(position) * frequency(pair, width);
      double& a = x[first + (c_.rope.interleaved ? 2 * pair : pair)];
      double& b = x[first + (c_.rope.interleaved ? 2 * pair + 1 : pair + width / 2)];
      const double c = amplitude * std::cos(angle), s = amplitude * std::sin(angle);
      const double turned = a * c - b * s;
      b = b * c + a * s;
      a = turned;
    }
  }

  /// q [T, H, dq], k [T, G, dq], v [T, G, dv] -> [T, H dv]
  Values attend(std::int64_t layer, std::size_t T, const Values& q, const Values& k, const Values& v,
                std::size_t G, double scale) const {
    const std::size_t H = size(c_.heads), dq = q.size() / T / H, dv = v.size() / T / G;
    const std::size_t window = size(c_.windows[size(layer)]);
    Values y(T * H * dv, 0.0);
    for (std::size_t t = 0; t < T; ++t)
      for (std::size_t h = 0; h < H; ++h) {
        const std::size_t g = h / (H / G);
        Values p(t + 1, 0.0);
        double sum = 0;
        for (std::size_t s = 0; s <= t; ++s) {
          if (window > 0 && s + window <= t) continue;
          double score = 0;
          for (std::size_t j = 0; j < dq; ++j) score += q[(t * H + h) * dq + j] * k[(s * G + g) * dq + j];
          sum += p[s] = std::exp(score * scale);
        }
        for (std::size_t s = 0; s <= t; ++s)
          for (std::size_t j = 0; j < dv; ++j)
            y[(t * H + h) * dv + j] += p[s] / sum * v[(s * G + g) * dv + j];
      }
    return y;
  }

  Values attention(std::int64_t layer, const std::string& name, const Values& h) const {
    if (c_.latent) return latent(layer, name, h);
    const std::size_t D = size(c_.hidden_size), T = h.size() / D, d = size(c_.head_width);
    const std::size_t H = size(c_.heads), G = size(c_.key_value_heads);
    Values q = linear(name + "q_proj", h, D), k = linear(name + "k_proj", h, D),
           v = linear(name + "v_proj", h, D);
    if (c_.qk_norm != QkNorm::kNone) {
      q = norm(q, w(name + "q_norm.weight"));
      k = norm(k, w(name + "k_norm.weight"));
    }
    if (c_.clip_qkv)
      for (Values* x : {&q, &k, &v})
        for (double& value : *x) value = std::clamp(value, -*c_.clip_qkv, *c_.clip_qkv);
    for (std::size_t t = 0; t < T; ++t) {
      for (std::size_t head = 0; head < H; ++head) turn(q, (t * H + head) * d, d, t);
      for (std::size_t head = 0; head < G; ++head) turn(k, (t * G + head) * d, d, t);
    }
    const Values y = attend(layer, T, q, k, v, G, 1 / std::sqrt(static_cast<double>(d)));
    return linear(name + "o_proj", y, H * d);
  }

  Values latent(std::int64_t layer, const std::string& name, const Values& h) const {
    const auto& a = *c_.latent;
    const std::size_t D = size(c_.hidden_size), T = h.size() / D, H = size(c_.heads);
    const std::size_t nope = size(a.nope_head_width), rot = size(a.rope_head_width),
                      vw = size(a.value_head_width);
    const std::size_t rank = size(a.key_value_rank), d = nope + rot;
    Values q = a.query_rank ? linear(name + "q_b_proj",
                                     norm(linear(name + "q_a_proj", h, D), w(name + "q_a_layernorm.weight")),
                                     size(*a.query_rank))
                            : linear(name + "q_proj", h, D);
    const Values down = linear(name + "kv_a_proj_with_mqa", h, D);
    Values compressed, shared, k, v;
    for (std::size_t t = 0; t < T; ++t) {
      compressed.insert(compressed.end(), down.begin() + t * (rank + rot),
                        down.begin() + t * (rank + rot) + rank);
      shared.insert(shared.end(), down.begin() + t * (rank + rot) + rank,
                    down.begin() + (t + 1) * (rank + rot));
      turn(shared, t * rot, rot, t);
      for (std::size_t head = 0; head < H; ++head) turn(q, (t * H + head) * d + nope, rot, t);
    }
    const Values up = linear(name + "kv_b_proj", norm(compressed, w(name + "kv_a_layernorm.weight")), rank);
    for (std::size_t i = 0; i < T * H; ++i) {
      const auto head = up.begin() + i * (nope + vw);
      k.insert(k.end(), head, head + nope);
      k.insert(k.end(), shared.begin() + i / H * rot, shared.begin() + (i / H + 1) * rot);
      v.insert(v.end(), head + nope, head + nope + vw);
    }
    double scale = 1 / std::sqrt(static_cast<double>(d));
    if (c_.rope.yarn) scale *= std::pow(yarn_mscale(c_.rope.yarn->factor, c_.rope.yarn->mscale_all_dim), 2);
    return linear(name + "o_proj", attend(layer, T, q, k, v, H, scale), H * vw);
  }

  Values ffn(const std::string& name, const char* gate, const char* up, const char* down,
             const Values& x) const {
    Values g = linear(name + gate, x, x.size());
    const Values u = linear(name + up, x, x.size());
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = g[i] / (1 + std::exp(-g[i])) * u[i];
    return linear(name + down, g, g.size());
  }

  Route route(const Values& logits, const std::string& bias) const {
    Route r{{}, {}, {}, logits};
    const std::size_t E = logits.size();
    const bool sigmoid = c_.router.score == GateScore::kSigmoid;
    Values score(E);
    double sum = 0;
    for (std::size_t e = 0; e < E; ++e)
      sum += score[e] = sigmoid ? 1 / (1 + std::exp(-logits[e])) : std::exp(logits[e]);
    for (std::size_t e = 0; e < E; ++e) r.alpha.push_back(score[e] / sum);
    if (!sigmoid) score = r.alpha;
    Values rank = score;
    if (c_.router.correction_bias)
      for (std::size_t e = 0; e < E; ++e) rank[e] += w(bias)[e];
    const std::size_t groups = size(c_.router.groups), width = E / groups;
    std::vector<std::pair<double, std::size_t>> group_ranks;
    for (std::size_t g = 0; g < groups; ++g) {
      Values members(rank.begin() + g * width, rank.begin() + (g + 1) * width);
      std::sort(members.rbegin(), members.rend());
      const bool two = c_.router.group_score == GroupScore::kSumOfTwoBest && width > 1;
      group_ranks.emplace_back(-(members[0] + (two ? members[1] : 0)), g);
    }
    std::sort(group_ranks.begin(), group_ranks.end());
    std::vector<std::pair<double, std::size_t>> ranks;
    for (std::size_t g = 0; g < size(c_.router.top_groups); ++g)
      for (std::size_t i = 0; i < width; ++i) {
        const std::size_t e = group_ranks[g].second * width + i;
        ranks.emplace_back(-rank[e], e);
      }
    std::sort(ranks.begin(), ranks.end());
    double total = 0;
    for (std::size_t k = 0; k < size(c_.router.experts_per_token); ++k) {
      r.chosen.push_back(ranks[k].second);
      r.gates.push_back(score[ranks[k].second]);
      total += r.gates.back();
    }
    for (double& gate : r.gates) gate *= c_.router.scale / (c_.router.normalise ? total : 1.0);
    return r;
  }

  Values moe(std::int64_t layer, const std::string& block, const Values& x) {
    const bool mixtral = c_.model_type == "mixtral";
    const std::string name = block + (mixtral ? "block_sparse_moe." : "mlp.");
    const Route r = route(linear(name + "gate", x, x.size()), name + "gate.e_score_correction_bias");
    Values y(x.size(), 0.0);
    outputs[layer].emplace_back();
    inputs[layer].push_back(x);
    for (std::size_t k = 0; k < r.chosen.size(); ++k) {
      const std::string expert = name + "experts." + std::to_string(r.chosen[k]) + ".";
      const Values f =
          mixtral ? ffn(expert, "w1", "w3", "w2", x) : ffn(expert, "gate_proj", "up_proj", "down_proj", x);
      for (std::size_t j = 0; j < y.size(); ++j) y[j] += r.gates[k] * f[j];
      outputs[layer].back().push_back(f);
    }
    routes[layer].push_back(r);
    if (c_.shared_width == 0) return y;
    const std::string shared = c_.gated_shared_expert ? "shared_expert." : "shared_experts.";
    const Values s = ffn(name + shared, "gate_proj", "up_proj", "down_proj", x);
    double gate = 1;
    if (c_.gated_shared_expert)
      gate = 1 / (1 + std::exp(-linear(name + "shared_expert_gate", x, x.size())[0]));
    for (std::size_t j = 0; j < y.size(); ++j) y[j] += gate * s[j];
    return y;
  }

  const DecoderConfig& c_;
  const std::map<std::string, Values>& w_;
};

}  // namespace espalier::reference
