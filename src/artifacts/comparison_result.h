#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace espalier {

/// What `compare` wrote about two models on a text ("espalier.comparison/1").
struct ComparisonResult {
  double first_perplexity = 0.0, second_perplexity = 0.0;
  double kl_divergence = 0.0;   ///< mean over tokens of KL(first || second), nats
  double top1_agreement = 0.0;  ///< share of tokens with the same first choice
  std::int64_t tokens = 0;
};

/// Throws UserError that begins with `where` for what is no such file.
ComparisonResult comparison_result_from_json(std::string_view json, std::string_view where);
ComparisonResult read_comparison_result(const std::filesystem::path& file);

}  // namespace espalier
