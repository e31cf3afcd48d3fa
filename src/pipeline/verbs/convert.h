#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "pipeline/verb.h"
#include "surgery/convert.h"

namespace espalier::pipeline {

struct ConvertOptions {
  std::filesystem::path model, out;
  ConvertTo to = ConvertTo::kBf16;
  std::optional<std::uint64_t> shard_bytes;  ///< of the largest output file; absent: as the input's largest
  IfExists if_exists = IfExists::kFail;
};
void describe(options::OptionTable& table, ConvertOptions& options);

struct ConvertSummary {
  std::filesystem::path model, out;
  espalier::ConvertSummary result;
};
nlohmann::ordered_json to_json(const ConvertSummary& summary);
std::string to_text(const ConvertSummary& summary);

/// Stores a model's weights in another format (surgery/convert.h), and says what that cost. Throws UserError
/// where weights cannot be read or the folder is not free, Interrupted after Ctrl-C with finished files kept.
ConvertSummary convert(const ConvertOptions& options, const RunContext& context);

Verb convert_verb();

}  // namespace espalier::pipeline
