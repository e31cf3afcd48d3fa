#include "arch/token_rule.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace espalier {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr float kTiny = 1e-20F;  // the families' own guard against a sum of zero

void softmax(std::span<const float> logits, std::span<float> out) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  float sum = 0;
  for (std::size_t e = 0; e < logits.size(); ++e) sum += out[e] = std::exp(logits[e] - largest);
  for (float& p : out) p /= sum;
}

float score_of(GateScore rule, float logit) {
  if (rule == GateScore::kSigmoid) return 1.0F / (1.0F + std::exp(-logit));
  // log(1 + exp(h)) without overflow
  return std::sqrt(std::max(logit, 0.0F) + std::log1p(std::exp(-std::abs(logit))));
}

/// alpha and, in `scores`, what gates are made of.
void score(GateScore rule, std::span<const float> logits, std::span<float> alpha, std::span<float> scores) {
  const bool each = rule == GateScore::kSigmoid || rule == GateScore::kSqrtSoftplus;
  if (!each) {
    softmax(logits, alpha);
    std::copy(alpha.begin(), alpha.end(), scores.begin());
    return;
  }
  float sum = 0;
  for (std::size_t e = 0; e < logits.size(); ++e) sum += scores[e] = score_of(rule, logits[e]);
  for (std::size_t e = 0; e < logits.size(); ++e) alpha[e] = scores[e] / (sum + kTiny);
}

float group_score(GroupScore rule, std::span<const float> group) {
  float best = kNever, second = kNever;
  for (const float s : group) {
    if (s > best) {
      second = best;
      best = s;
    } else if (s > second) {
      second = s;
    }
  }
  return rule == GroupScore::kMax || group.size() == 1 ? best : best + second;
}

/// Experts of groups that are not among the best can no longer be chosen.
void close_groups(const RouterConfig& config, std::span<float> choice) {
  const auto groups = static_cast<std::size_t>(config.groups), size = choice.size() / groups;
  std::vector<float> scores(groups);
  for (std::size_t g = 0; g < groups; ++g)
    scores[g] = group_score(config.group_score, choice.subspan(g * size, size));
  std::vector<std::int32_t> open(static_cast<std::size_t>(config.top_groups));
  best_of(scores, open);
  for (std::size_t g = 0; g < groups; ++g) {
    if (std::find(open.begin(), open.end(), static_cast<std::int32_t>(g)) != open.end()) continue;
    std::fill_n(choice.begin() + static_cast<std::ptrdiff_t>(g * size), size, kNever);
  }
}

void set_gates(const RouterConfig& config, std::span<const float> scores,
               std::span<const std::int32_t> chosen, std::span<float> gates) {
  float sum = 0;
  for (std::size_t k = 0; k < chosen.size(); ++k)
    sum += gates[k] = scores[static_cast<std::size_t>(chosen[k])];
  // A softmax over the chosen is the softmax over all, normalised.
  const bool normalise = config.normalise || config.score == GateScore::kSoftmaxOfChosen;
  const float scale =
      static_cast<float>(config.scale) / (normalise ? sum + static_cast<float>(config.sum_epsilon) : 1.0F);
  for (float& gate : gates) gate *= scale;
}

/// `kSparseMixer`: `open` [E] holds the logits, those of earlier choices -inf.
void mix_sparsely(const RouterConfig& config, std::span<const float> logits, std::span<float> open,
                  std::span<std::int32_t> chosen, std::span<float> gates) {
  std::copy(logits.begin(), logits.end(), open.begin());
  for (std::size_t slot = 0; slot < chosen.size(); ++slot) {
    const auto best = std::max_element(open.begin(), open.end());
    const float largest = *best;
    float sum = 0;
    for (std::size_t e = 0; e < logits.size(); ++e) {
      const float scale = std::max(std::abs(logits[e]), largest);
      const bool far = (largest - logits[e]) / scale > 2.0F * static_cast<float>(config.mixer_epsilon);
      if (!far) sum += std::exp(open[e] - largest);
    }
    chosen[slot] = static_cast<std::int32_t>(best - open.begin());
    gates[slot] = 1.0F / sum;
    *best = kNever;
  }
}

}  // namespace

void best_of(std::span<const float> scores, std::span<std::int32_t> chosen) {
  for (std::size_t slot = 0; slot < chosen.size(); ++slot) {
    std::int32_t best = -1;
    for (std::size_t e = 0; e < scores.size(); ++e) {
      if (best >= 0 && !(scores[e] > scores[static_cast<std::size_t>(best)])) continue;
      const auto taken = chosen.first(slot);
      if (std::find(taken.begin(), taken.end(), static_cast<std::int32_t>(e)) == taken.end())
        best = static_cast<std::int32_t>(e);
    }
    chosen[slot] = best;
  }
}

void choose_for_token(const RouterConfig& config, std::span<const float> logits, std::span<const float> bias,
                      TokenRuleScratch& scratch, std::span<float> alpha, std::span<std::int32_t> chosen,
                      std::span<float> gates) {
  const std::size_t E = logits.size();
  scratch.scores.resize(E);
  scratch.ranked.resize(E);
  score(config.score, logits, alpha, scratch.scores);
  if (config.score == GateScore::kSparseMixer)
    return mix_sparsely(config, logits, scratch.ranked, chosen, gates);
  const std::span<const float> ranked = config.bias_on_logits ? logits : scratch.scores;
  for (std::size_t e = 0; e < E; ++e) scratch.ranked[e] = ranked[e] + (bias.empty() ? 0.0F : bias[e]);
  if (config.groups > 1) close_groups(config, scratch.ranked);
  best_of(scratch.ranked, chosen);
  set_gates(config, scratch.scores, chosen, gates);
}

}  // namespace espalier
