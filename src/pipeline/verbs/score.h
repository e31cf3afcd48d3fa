#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/verb.h"

namespace espalier::pipeline {

struct ScoreOptions {
  std::filesystem::path input;                     ///< a file of observations, or a model's folder
  std::string criterion;                           ///< a row of prune/criteria/criterion.h
  std::optional<std::filesystem::path> reference;  ///< the model before fine-tuning
  std::int64_t min_tokens = 0;                     ///< experts that got fewer are not to be dropped
  std::filesystem::path out;                       ///< scores.json
};
void describe(options::OptionTable& table, ScoreOptions& options);

struct ScoreSummary {
  std::filesystem::path scores;  ///< the file that was written
  std::string criterion;         ///< that was computed: without a reference, another than was asked for
  std::size_t layers = 0, experts = 0;
  std::int64_t min_tokens = 0;
  std::vector<std::string> never_routed, seen_too_rarely;  ///< "3:5": block and expert
};
nlohmann::ordered_json to_json(const ScoreSummary& summary);
std::string to_text(const ScoreSummary& summary);

/// One number for each expert, from observations or from weights (prune/score.h), written to `out`. Throws
/// UserError for what the criterion cannot be computed from.
ScoreSummary score(const ScoreOptions& options, const RunContext& context);

Verb score_verb();

}  // namespace espalier::pipeline
