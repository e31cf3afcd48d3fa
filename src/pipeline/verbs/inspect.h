#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "arch/inspect.h"
#include "pipeline/verb.h"
#include "text/inspect_tokenizer.h"

namespace espalier::pipeline {

struct InspectOptions {
  std::filesystem::path model;  ///< checkpoint folder; only headers are read
  bool tokenizer = false;       ///< of its tokenizer instead, for which there need be no weights
};
void describe(options::OptionTable& table, InspectOptions& options);

/// One of these.
struct InspectSummary {
  std::optional<Inspection> model;
  std::optional<TokenizerInspection> tokenizer;
};
nlohmann::json to_json(const InspectSummary& summary);
std::string to_text(const InspectSummary& summary);

/// Throws UserError for an unknown architecture, and where config.json and the tensors do not fit; for a
/// tokenizer that is not known.
InspectSummary inspect(const InspectOptions& options, const RunContext& context);

Verb inspect_verb();

}  // namespace espalier::pipeline
