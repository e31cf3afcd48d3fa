#pragma once

#include <cstdint>

namespace espalier {

/// How a router turns its float32 logits h [E] into choices and gates.
enum class GateScore {
  kSoftmax,          ///< softmax over all experts, then top-k
  kSigmoid,          ///< sigmoid of each logit (deepseek_v3, glm4_moe)
  kSqrtSoftplus,     ///< sqrt(log(1 + exp(h))) of each logit (deepseek_v4)
  kSoftmaxOfChosen,  ///< top-k of the logits, softmax over the chosen (gpt_oss, granitemoe)
  /// One choice after the other: the largest logit h, its gate the softmax over those logits x that are close
  /// to it, (h - x) / max(|x|, h) <= 2 `mixer_epsilon`, and that no earlier choice took (Liu et al. 2024,
  /// arXiv 2409.12136; phimoe)
  kSparseMixer
};

/// How the groups of a group-limited router are ranked.
enum class GroupScore {
  kMax,          ///< by their best expert (deepseek_v2)
  kSumOfTwoBest  ///< by the sum of their two best corrected scores (deepseek_v3)
};

/// Everything that decides which experts a token visits and with which weight.
struct RouterConfig {
  GateScore score = GateScore::kSoftmax;
  std::int64_t experts_per_token = 2;  // K
  bool normalise = true;               ///< the chosen gates are divided by their sum
  double scale = 1.0;                  ///< the gates are multiplied by it (routed_scaling_factor)
  std::int64_t groups = 1;             ///< contiguous blocks of experts of one size; 1: no groups
  std::int64_t top_groups = 1;         ///< groups that a token may choose from
  GroupScore group_score = GroupScore::kMax;
  bool correction_bias = false;  ///< e_score_correction_bias [E] is added for choosing, not for weighing
  double sum_epsilon = 1e-20;    ///< added to the sum that gates are divided by
  bool bias_on_logits = false;   ///< that bias is added to logits, not to scores (kolibri1)
  double mixer_epsilon = 0.01;   ///< kSparseMixer's

  bool operator==(const RouterConfig&) const = default;
};

}  // namespace espalier
