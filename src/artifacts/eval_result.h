#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace espalier {

/// `eval.json`: the quality of a model on one split of one task.
struct EvalResult {
  std::string task;   ///< "sst2", "masked_words"
  std::string split;  ///< "dev"
  std::int64_t examples = 0;
  std::map<std::string, double> metrics;  ///< "accuracy" -> 0.81; NaN is written as null
  /// How it was measured, for people: "sequence_length" -> "2048".
  std::map<std::string, std::string> settings;
  /// "largest_class" -> its metrics on the same examples: what methods without a model come to.
  std::map<std::string, std::map<std::string, double>> baselines;
};

std::string eval_result_to_json(const EvalResult& result);
/// Strict: unknown keys and wrong types are a UserError that begins with `where`.
EvalResult eval_result_from_json(std::string_view json, std::string_view where);

/// Atomic.
void write_eval_result(const std::filesystem::path& file, const EvalResult& result);
EvalResult read_eval_result(const std::filesystem::path& file);

}  // namespace espalier
