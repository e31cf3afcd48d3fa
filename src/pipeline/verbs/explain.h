#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "pipeline/verb.h"
#include "prune/explain.h"

namespace espalier::pipeline {

struct ExplainOptions {
  std::filesystem::path plan;
  std::optional<std::filesystem::path> scores;           ///< that the plan was made from
  std::optional<std::filesystem::path> html, keep_list;  ///< written too
};
void describe(options::OptionTable& table, ExplainOptions& options);

struct ExplainSummary {
  std::filesystem::path plan;
  Explanation explanation;
};
nlohmann::ordered_json to_json(const ExplainSummary& summary);
std::string to_text(const ExplainSummary& summary);

/// What a plan drops and why. Throws UserError where the scores are not of the plan's model.
ExplainSummary explain(const ExplainOptions& options, const RunContext& context);

Verb explain_verb();

}  // namespace espalier::pipeline
