#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "pipeline/verb.h"

namespace espalier::pipeline {

struct LogitsOptions {
  std::filesystem::path model;   ///< of an encoder or a decoder
  std::filesystem::path tokens;  ///< {"sequences": [[..], ..]}
  std::filesystem::path out;     ///< safetensors
};
void describe(options::OptionTable& table, LogitsOptions& options);

struct LogitsSummary {
  std::filesystem::path out;
  std::size_t sequences = 0, tokens = 0;
  std::int64_t tensors = 0;  ///< written
};
nlohmann::ordered_json to_json(const LogitsSummary& summary);
std::string to_text(const LogitsSummary& summary);

/// The forward pass on given tokens. Throws UserError for ids outside the vocabulary and for sequences that
/// the model does not hold.
LogitsSummary logits(const LogitsOptions& options, const RunContext& context);

Verb logits_verb();

}  // namespace espalier::pipeline
