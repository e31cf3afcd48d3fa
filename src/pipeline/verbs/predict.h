#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/verb.h"

namespace espalier::pipeline {

struct PredictOptions {
  std::filesystem::path model;  ///< that was fine-tuned
  std::filesystem::path file;   ///< a text a line, or two with a tab between; empty or "-": standard input
  std::optional<std::int64_t> sequence_length;  ///< absent: what the model holds
};
void describe(options::OptionTable& table, PredictOptions& options);

/// The answer to one line: a label with its probability, or a value.
struct LineAnswer {
  std::string label;
  std::optional<double> probability;
  double value = 0;
};

struct PredictSummary {
  std::vector<LineAnswer> answers;
};
/// A list of objects, which the program prints one a line.
nlohmann::ordered_json to_json(const PredictSummary& summary);
std::string to_text(const PredictSummary& summary);

/// Labels for lines of text. Throws UserError for a model without a classification head.
PredictSummary predict(const PredictOptions& options, const RunContext& context);

Verb predict_verb();

}  // namespace espalier::pipeline
