#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "arch/spec.h"
#include "reference/elementwise.h"
#include "reference/gated.h"

/// A decoder's forward pass as plain loops in float64, from tensors by their names in the checkpoint: the
/// oracle of src/model. It shares nothing with it but the description.
namespace espalier::reference {

struct Route {
  std::vector<std::size_t> chosen;
  Values gates, alpha, logits;
};

class Decoder {
 public:
  Decoder(const arch::ModelSpec& spec, const std::map<std::string, Values>& weights)
      : c_(spec), w_(weights) {}

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
    const bool mixtral = c_.family == "mixtral";
    const std::string name = "model.layers." + std::to_string(layer) +
                             (mixtral ? ".block_sparse_moe." : ".mlp.") + "experts." +
                             std::to_string(expert) + ".";
    return mixtral ? ffn(name, "w1", "w3", "w2", x) : ffn(name, "gate_proj", "up_proj", "down_proj", x);
  }

  /// [T, V]
  Values logits(const std::vector<std::int64_t>& ids) {
    const std::size_t T = ids.size(), D = size(c_.width);
    Values x;
    for (const auto id : ids)
      for (std::size_t j = 0; j < D; ++j) x.push_back(w("model.embed_tokens.weight")[size(id) * D + j]);
    for (std::int64_t layer = 0; layer < c_.layers(); ++layer) {
      const std::string name = "model.layers." + std::to_string(layer) + ".";
      add(x, attention(layer, name + "self_attn.", norm(x, w(name + "input_layernorm.weight"))));
      const Values h = norm(x, w(name + "post_attention_layernorm.weight"));
      for (std::size_t t = 0; t < T; ++t) {
        const Values token(h.begin() + t * D, h.begin() + (t + 1) * D);
        const Values y = c_.block(layer).moe() != nullptr
                             ? moe(layer, name, token)
                             : ffn(name + "mlp.", "gate_proj", "up_proj", "down_proj", token);
        for (std::size_t j = 0; j < D; ++j) x[t * D + j] += y[j];
      }
      hidden.push_back(x);
    }
    return linear(norm(x, w("model.norm.weight")), D,
                  w(c_.heads.language->tied ? "model.embed_tokens.weight" : "lm_head.weight"));
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
  Values norm(const Values& x, const Values& gamma) const {
    return rms_norm(x, gamma, c_.final_norm->epsilon);
  }

  static double frequency(const arch::Rotary& rotary, std::size_t pair) {
    const double w = static_cast<double>(rotary.width);
    const double plain = std::pow(rotary.theta, -2.0 * static_cast<double>(pair) / w) / rotary.linear_factor;
    if (!rotary.yarn) return plain;
    const auto& yarn = *rotary.yarn;
    const auto at = [&](double turns) {
      return w * std::log(static_cast<double>(yarn.original_positions) / (turns * 2 * std::numbers::pi)) /
             (2 * std::log(rotary.theta));
    };
    const double low = std::max(0.0, std::floor(at(yarn.beta_fast)));
    const double high = std::min(w - 1, std::ceil(at(yarn.beta_slow)));
    const double share = (static_cast<double>(pair) - low) / std::max(high - low, 0.001);
    const double interpolated = std::clamp(share, 0.0, 1.0);
    return interpolated * plain / yarn.factor + (1 - interpolated) * plain;
  }
  /// Turns x[first .. first + width) of a token at `position`.
  static void turn(const arch::Rotary& rotary, Values& x, std::size_t first, std::size_t position) {
    const double amplitude = rotary.yarn ? arch::yarn_amplitude(*rotary.yarn) : 1.0;
    const bool neighbours = rotary.pairs == arch::RotaryPairs::kNeighbours;
    const std::size_t half = size(rotary.width) / 2;
    for (std::size_t pair = 0; pair < half; ++pair) {
      const double angle = static_cast<double>(position) * frequency(rotary, pair);
      double& a = x[first + (neighbours ? 2 * pair : pair)];
      double& b = x[first + (neighbours ? 2 * pair + 1 : pair + half)];
      const double c = amplitude * std::cos(angle), s = amplitude * std::sin(angle);
      const double turned = a * c - b * s;
      b = b * c + a * s;
      a = turned;
    }
  }

  /// q [T, H, dq], k [T, G, dq], v [T, G, dv] -> [T, H dv]
  static Values attend(std::size_t T, const Values& q, const Values& k, const Values& v, std::size_t H,
                       std::size_t G, std::size_t window, double scale) {
    const std::size_t dq = q.size() / T / H, dv = v.size() / T / G;
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
    const arch::Mixer& mixer = c_.block(layer).mixer;
    if (const auto* a = std::get_if<arch::LatentAttention>(&mixer)) return latent(*a, name, h);
    const auto& a = std::get<arch::GroupedAttention>(mixer);
    const std::size_t D = size(c_.width), T = h.size() / D, d = size(a.key_width);
    const std::size_t H = size(a.heads), G = size(a.key_value_heads);
    Values q = linear(name + "q_proj", h, D), k = linear(name + "k_proj", h, D),
           v = linear(name + "v_proj", h, D);
    if (a.query_key_norm != arch::QueryKeyNorm::kNone) {
      q = norm(q, w(name + "q_norm.weight"));
      k = norm(k, w(name + "k_norm.weight"));
    }
    if (a.clip)
      for (Values* x : {&q, &k, &v})
        for (double& value : *x) value = std::clamp(value, -*a.clip, *a.clip);
    for (std::size_t t = 0; t < T; ++t) {
      for (std::size_t head = 0; head < H; ++head) turn(*a.rotary, q, (t * H + head) * d, t);
      for (std::size_t head = 0; head < G; ++head) turn(*a.rotary, k, (t * G + head) * d, t);
    }
    const Values y = attend(T, q, k, v, H, G, size(a.window), 1 / std::sqrt(static_cast<double>(d)));
    return linear(name + "o_proj", y, H * d);
  }

  Values latent(const arch::LatentAttention& a, const std::string& name, const Values& h) const {
    const std::size_t D = size(c_.width), T = h.size() / D, H = size(a.heads);
    const std::size_t nope = size(a.nope_width), rot = size(a.rotary.width), vw = size(a.value_width);
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
      turn(a.rotary, shared, t * rot, t);
      for (std::size_t head = 0; head < H; ++head) turn(a.rotary, q, (t * H + head) * d + nope, t);
    }
    const Values up = linear(name + "kv_b_proj", norm(compressed, w(name + "kv_a_layernorm.weight")), rank);
    for (std::size_t i = 0; i < T * H; ++i) {
      const auto head = up.begin() + i * (nope + vw);
      k.insert(k.end(), head, head + nope);
      k.insert(k.end(), shared.begin() + i / H * rot, shared.begin() + (i / H + 1) * rot);
      v.insert(v.end(), head + nope, head + nope + vw);
    }
    double scale = 1 / std::sqrt(static_cast<double>(d));
    if (const auto& yarn = a.rotary.yarn)
      scale *= std::pow(arch::yarn_mscale(yarn->factor, yarn->mscale_all_dim), 2);
    return linear(name + "o_proj", attend(T, q, k, v, H, H, size(a.window), scale), H * vw);
  }

  Values ffn(const std::string& name, const char* gate, const char* up, const char* down,
             const Values& x) const {
    Values g = linear(name + gate, x, x.size());
    const Values u = linear(name + up, x, x.size());
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = g[i] / (1 + std::exp(-g[i])) * u[i];
    return linear(name + down, g, g.size());
  }

  Route route(const RouterConfig& rule, const Values& logits, const std::string& bias) const {
    Route r{{}, {}, {}, logits};
    const std::size_t E = logits.size();
    const bool sigmoid = rule.score == GateScore::kSigmoid;
    Values score(E);
    double sum = 0;
    for (std::size_t e = 0; e < E; ++e)
      sum += score[e] = sigmoid ? 1 / (1 + std::exp(-logits[e])) : std::exp(logits[e]);
    for (std::size_t e = 0; e < E; ++e) r.alpha.push_back(score[e] / sum);
    if (!sigmoid) score = r.alpha;
    Values rank = score;
    if (rule.correction_bias)
      for (std::size_t e = 0; e < E; ++e) rank[e] += w(bias)[e];
    const std::size_t groups = size(rule.groups), width = E / groups;
    std::vector<std::pair<double, std::size_t>> group_ranks;
    for (std::size_t g = 0; g < groups; ++g) {
      Values members(rank.begin() + g * width, rank.begin() + (g + 1) * width);
      std::sort(members.rbegin(), members.rend());
      const bool two = rule.group_score == GroupScore::kSumOfTwoBest && width > 1;
      group_ranks.emplace_back(-(members[0] + (two ? members[1] : 0)), g);
    }
    std::sort(group_ranks.begin(), group_ranks.end());
    std::vector<std::pair<double, std::size_t>> ranks;
    for (std::size_t g = 0; g < size(rule.top_groups); ++g)
      for (std::size_t i = 0; i < width; ++i) {
        const std::size_t e = group_ranks[g].second * width + i;
        ranks.emplace_back(-rank[e], e);
      }
    std::sort(ranks.begin(), ranks.end());
    double total = 0;
    for (std::size_t k = 0; k < size(rule.experts_per_token); ++k) {
      r.chosen.push_back(ranks[k].second);
      r.gates.push_back(score[ranks[k].second]);
      total += r.gates.back();
    }
    for (double& gate : r.gates) gate *= rule.scale / (rule.normalise ? total : 1.0);
    return r;
  }

  Values moe(std::int64_t layer, const std::string& block, const Values& x) {
    const bool mixtral = c_.family == "mixtral";
    const std::string name = block + (mixtral ? "block_sparse_moe." : "mlp.");
    const arch::MixtureOfExperts& spec = *c_.block(layer).moe();
    const Route r =
        route(spec.router.rule, linear(name + "gate", x, x.size()), name + "gate.e_score_correction_bias");
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
    if (!spec.shared) return y;
    const std::string shared = spec.shared->gated ? "shared_expert." : "shared_experts.";
    const Values s = ffn(name + shared, "gate_proj", "up_proj", "down_proj", x);
    double gate = 1;
    if (spec.shared->gated) gate = 1 / (1 + std::exp(-linear(name + "shared_expert_gate", x, x.size())[0]));
    for (std::size_t j = 0; j < y.size(); ++j) y[j] += gate * s[j];
    return y;
  }

  const arch::ModelSpec& c_;
  const std::map<std::string, Values>& w_;
};

}  // namespace espalier::reference
