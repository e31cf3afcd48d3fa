#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "reference/elementwise.h"
#include "train/moe_layer.h"

/// A vision transformer with experts as plain loops in float64, one token at a time.
namespace espalier::reference {

inline Values vision_values(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().to(torch::kFloat64).contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

/// One row through weight [out, in] and bias [out].
inline Values vision_linear(const Values& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  const Values w = vision_values(weight), b = bias.defined() ? vision_values(bias) : Values{};
  Values y;
  for (std::int64_t o = 0; o < weight.size(0); ++o) {
    double sum = b.empty() ? 0.0 : b[static_cast<std::size_t>(o)];
    for (std::size_t i = 0; i < x.size(); ++i) sum += w[static_cast<std::size_t>(o) * x.size() + i] * x[i];
    y.push_back(sum);
  }
  return y;
}

inline Values vision_norm(const Values& x, const train::NormWeights& norm, double epsilon) {
  const Values w = vision_values(norm.weight), b = vision_values(norm.bias);
  double mean = 0, variance = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  Values y;
  for (std::size_t i = 0; i < x.size(); ++i)
    y.push_back((x[i] - mean) / std::sqrt(variance + epsilon) * w[i] + b[i]);
  return y;
}

inline Values vision_ffn(const Values& x, const torch::Tensor& up, const torch::Tensor& up_bias,
                         const torch::Tensor& down, const torch::Tensor& down_bias) {
  Values hidden = vision_linear(x, up, up_bias);
  for (double& v : hidden) v = 0.5 * v * (1.0 + std::erf(v / std::sqrt(2.0)));
  return vision_linear(hidden, down, down_bias);
}

using Rows = std::vector<Values>;  // [tokens][D]

inline void vision_attention(Rows& x, const train::Block& block, const arch::BlockSpec& spec, std::size_t D,
                             std::int64_t T) {
  const auto heads = static_cast<std::size_t>(arch::heads_of(spec.mixer));
  const std::size_t width = D / heads, length = static_cast<std::size_t>(T);
  const auto& attention = std::get<train::GroupedWeights>(block.mixer);
  Rows qkv;
  for (const Values& row : x)
    qkv.push_back(vision_linear(vision_norm(row, block.mixer_norm, spec.norm.epsilon), attention.qkv.weight,
                                attention.qkv.bias));
  for (std::size_t begin = 0; begin < x.size(); begin += length) {
    Rows context(length, Values(D, 0.0));
    for (std::size_t h = 0; h < heads; ++h)
      for (std::size_t t = 0; t < length; ++t) {
        Values scores;
        for (std::size_t s = 0; s < length; ++s) {
          double sum = 0;
          for (std::size_t i = h * width; i < (h + 1) * width; ++i)
            sum += qkv[begin + t][i] * qkv[begin + s][D + i];
          scores.push_back(sum / std::sqrt(static_cast<double>(width)));
        }
        const Values p = softmax(scores, static_cast<std::int64_t>(length));
        for (std::size_t s = 0; s < length; ++s)
          for (std::size_t i = h * width; i < (h + 1) * width; ++i)
            context[t][i] += p[s] * qkv[begin + s][2 * D + i];
      }
    for (std::size_t t = 0; t < length; ++t) {
      const Values attended = vision_linear(context[t], attention.output.weight, attention.output.bias);
      for (std::size_t i = 0; i < D; ++i) x[begin + t][i] += attended[i];
    }
  }
}

/// Which experts take which tokens: [tokens][rows] whether.
inline std::vector<std::vector<bool>> vision_choice(const Rows& p, const arch::Router& router, std::size_t E,
                                                    std::size_t T) {
  const std::size_t N = p.size();
  std::vector<std::vector<bool>> taken(N, std::vector<bool>(E, false));
  const auto capacity = [&](std::size_t tokens) {
    return static_cast<std::size_t>(
        std::ceil(static_cast<double>(tokens) * static_cast<double>(router.rule.experts_per_token) *
                  *router.capacity_factor / static_cast<double>(E)));
  };
  if (router.chooser == arch::WhoChooses::kExperts) {
    for (std::size_t n = 0; n < N; ++n)
      for (std::size_t e = 0; e < E; ++e) {
        std::size_t better = 0;
        for (std::size_t other = n / T * T; other < n / T * T + T; ++other)
          better += p[other][e] > p[n][e] ? 1 : 0;
        taken[n][e] = better < capacity(T);
      }
    return taken;
  }
  std::vector<std::size_t> load(E, 0);
  for (std::size_t slot = 0; slot < static_cast<std::size_t>(router.rule.experts_per_token); ++slot)
    for (std::size_t n = 0; n < N; ++n) {
      std::vector<std::size_t> order(E);
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(),
                       [&](std::size_t a, std::size_t b) { return p[n][a] > p[n][b]; });
      if (++load[order[slot]] <= capacity(N)) taken[n][order[slot]] = true;
    }
  return taken;
}

struct VisionMoe {
  train::MoeWeights weights;
  arch::Router router;
  std::vector<std::int32_t> expert_of_row;
};

/// What a row of the router gives for a token: its expert's output, or where the expert is gone the constant
/// in its place.
inline Values vision_row(const Values& x, const VisionMoe& moe, std::size_t row) {
  const auto expert = moe.expert_of_row.empty() ? static_cast<std::int64_t>(row) : moe.expert_of_row[row];
  if (expert >= 0)
    return vision_ffn(x, moe.weights.experts.up[expert], moe.weights.experts.up_bias[expert],
                      moe.weights.experts.down[expert], moe.weights.experts.down_bias[expert]);
  if (!moe.weights.novices.defined()) return Values(x.size(), 0.0);
  std::int64_t gone = 0;
  for (std::size_t other = 0; other < row; ++other) gone += moe.expert_of_row[other] < 0 ? 1 : 0;
  return vision_values(moe.weights.novices[gone]);
}

/// The tokens of one member through rows `first` .. of the router.
inline Rows vision_moe(const Rows& x, const VisionMoe& moe, std::size_t T, std::size_t first, std::size_t E) {
  Rows p;
  for (const Values& row : x) {
    const Values logits = vision_linear(row, moe.weights.router, {});
    p.push_back(softmax(Values(logits.begin() + static_cast<std::ptrdiff_t>(first),
                               logits.begin() + static_cast<std::ptrdiff_t>(first + E)),
                        static_cast<std::int64_t>(E)));
  }
  const auto taken = vision_choice(p, moe.router, E, T);
  Rows y(x.size(), Values(x[0].size(), 0.0));
  for (std::size_t n = 0; n < x.size(); ++n)
    for (std::size_t e = 0; e < E; ++e) {
      if (!taken[n][e]) continue;
      const Values own = vision_row(x[n], moe, first + e);
      for (std::size_t i = 0; i < own.size(); ++i) y[n][i] += p[n][e] * own[i];
    }
  return y;
}

inline void vision_feed_forward(Rows& x, const train::Block& block, const arch::BlockSpec& spec,
                                std::size_t T, std::size_t members) {
  Rows normed;
  for (const Values& row : x) normed.push_back(vision_norm(row, block.feed_forward_norm, spec.norm.epsilon));
  Rows y;
  if (const auto* ffn = std::get_if<FeedForwardWeights>(&block.feed_forward)) {
    for (const Values& row : normed)
      y.push_back(vision_ffn(row, ffn->up, ffn->up_bias, ffn->down, ffn->down_bias));
  } else {
    const arch::Router& router = spec.moe()->router;
    const VisionMoe moe{*block.moe(), router, train::expert_of_row(router)};
    const std::size_t tokens = x.size() / members,
                      E = static_cast<std::size_t>(moe.weights.router.size(0)) / members;
    for (std::size_t m = 0; m < members; ++m) {
      const Rows own(normed.begin() + static_cast<std::ptrdiff_t>(m * tokens),
                     normed.begin() + static_cast<std::ptrdiff_t>((m + 1) * tokens));
      const Rows part = vision_moe(own, moe, T, m * E, E);
      y.insert(y.end(), part.begin(), part.end());
    }
  }
  for (std::size_t n = 0; n < x.size(); ++n)
    for (std::size_t i = 0; i < x[n].size(); ++i) x[n][i] += y[n][i];
}

inline Rows vision_tokens(const train::Transformer& model, const torch::Tensor& images) {
  const arch::ImageInput& c = model.spec.image();
  const Values pixels = vision_values(images), position = vision_values(model.position),
               cls = vision_values(model.class_token);
  const auto D = static_cast<std::size_t>(model.spec.width), S = static_cast<std::size_t>(c.image_size),
             P = static_cast<std::size_t>(c.patch_size);
  Rows x;
  for (std::size_t b = 0; b < static_cast<std::size_t>(images.size(0)); ++b) {
    x.push_back(cls);
    for (std::size_t top = 0; top < S; top += P)
      for (std::size_t left = 0; left < S; left += P) {
        Values patch;
        for (std::size_t y = top; y < top + P; ++y)
          for (std::size_t i = left * 3; i < (left + P) * 3; ++i)
            patch.push_back(pixels[(b * S + y) * S * 3 + i]);
        x.push_back(vision_linear(patch, model.patch.weight, model.patch.bias));
      }
    const std::size_t T = static_cast<std::size_t>(c.positions());
    for (std::size_t t = 0; t < T; ++t)
      for (std::size_t i = 0; i < D; ++i) x[b * T + t][i] += position[t * D + i];
  }
  return x;
}

/// Scores in evaluation mode: [members * B, labels], member after member.
inline Values vmoe_scores(const train::Transformer& model, const torch::Tensor& images) {
  const arch::ModelSpec& spec = model.spec;
  const auto T = static_cast<std::size_t>(spec.positions()), D = static_cast<std::size_t>(spec.width);
  Rows x = vision_tokens(model, images);
  std::size_t members = 1;
  for (std::size_t l = 0; l < spec.blocks.size(); ++l) {
    if (members == 1 && spec.members > 1 && spec.blocks[l].moe() != nullptr) {
      members = static_cast<std::size_t>(spec.members);
      const Rows once = x;
      for (std::size_t m = 1; m < members; ++m) x.insert(x.end(), once.begin(), once.end());
    }
    vision_attention(x, model.blocks[l], spec.blocks[l], D, spec.positions());
    vision_feed_forward(x, model.blocks[l], spec.blocks[l], T, members);
  }
  Values scores;
  for (std::size_t n = 0; n < x.size(); n += T) {
    const Values own = vision_linear(vision_norm(x[n], model.final_norm, spec.final_norm->epsilon),
                                     model.classifier.weight, model.classifier.bias);
    scores.insert(scores.end(), own.begin(), own.end());
  }
  return scores;
}

}  // namespace espalier::reference
