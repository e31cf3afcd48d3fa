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

/// The answer to one line: a label with the probability of each, a value, or a part of the line's text.
struct LineAnswer {
  enum class Kind { kLabel, kValue, kSpan };
  Kind kind = Kind::kValue;
  std::string label;       ///< or the part; empty: there is no answer
  double probability = 0;  ///< of the label
  double value = 0;        ///< or how much likelier than the part it is that there is no answer, in logits
  std::vector<std::pair<std::string, double>> probabilities;  ///< label -> its probability
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
