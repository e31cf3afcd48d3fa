#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/verb.h"

namespace espalier::pipeline {

/// A prompt as text, or as ids, which need no tokenizer.
struct GenerateOptions {
  std::filesystem::path model;  ///< of a decoder
  std::optional<std::string> prompt;
  std::vector<std::int32_t> prompt_ids;
  std::int64_t count = 64;  ///< new tokens at most
  double temperature = 0.0, top_p = 1.0;
  bool ignore_stop = false;  ///< go on after an end-of-text token
};
void describe(options::OptionTable& table, GenerateOptions& options);

struct GenerateSummary {
  std::vector<std::int32_t> prompt_tokens, tokens;
  double seconds = 0;
  std::optional<std::string> prompt, text;  ///< where there is a tokenizer
};
nlohmann::ordered_json to_json(const GenerateSummary& summary);
/// The end of the line whose parts went to RunContext::part.
std::string to_text(const GenerateSummary& summary);

/// Continues a text; `context.part` hears it as it grows. Throws UserError for more positions than the model
/// holds.
GenerateSummary generate(const GenerateOptions& options, const RunContext& context);

Verb generate_verb();

}  // namespace espalier::pipeline
