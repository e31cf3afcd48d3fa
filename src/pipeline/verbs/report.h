#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/verb.h"

namespace espalier::pipeline {

struct ReportOptions {
  std::vector<std::filesystem::path> runs;       ///< run folders, or one file of observations
  std::optional<std::filesystem::path> plan;     ///< of the observations
  std::filesystem::path out;                     ///< the page
  std::optional<std::filesystem::path> figures;  ///< folder for the figures of a study, as SVG
};
void describe(options::OptionTable& table, ReportOptions& options);

struct ReportSummary {
  std::filesystem::path report;
  std::vector<std::filesystem::path> runs;
  std::size_t bytes = 0;
  bool only_observations = false;
  std::string results;  ///< a table for people; empty where no run was evaluated
};
nlohmann::ordered_json to_json(const ReportSummary& summary);
std::string to_text(const ReportSummary& summary);

/// Draws one or several runs, or observations, as one HTML page. Throws UserError for what is no run folder.
ReportSummary report(const ReportOptions& options, const RunContext& context);

Verb report_verb();

}  // namespace espalier::pipeline
