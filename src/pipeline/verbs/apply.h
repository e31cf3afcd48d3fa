#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "pipeline/verb.h"
#include "surgery/apply.h"

namespace espalier::pipeline {

struct ApplyOptions {
  std::filesystem::path model, plan, out;
  std::optional<std::filesystem::path> scores;  ///< kept with the result; the model card quotes them
  SurgeryOptions surgery;
  std::optional<std::uint64_t> shard_bytes;  ///< of the largest output file; absent: as the input's largest
  IfExists if_exists = IfExists::kFail;
  bool dry_run = false;  ///< decide everything and write nothing
};
void describe(options::OptionTable& table, ApplyOptions& options);

struct ApplySummary {
  std::filesystem::path model, plan, out;
  bool dry_run = false;
  espalier::ApplySummary result;
};
nlohmann::ordered_json to_json(const ApplySummary& summary);
std::string to_text(const ApplySummary& summary);

/// Writes the pruned model into `out` (surgery/apply.h), or says what it would be. Throws UserError where the
/// plan does not fit or the folder is not free, Interrupted after Ctrl-C with finished files kept.
ApplySummary apply(const ApplyOptions& options, const RunContext& context);

Verb apply_verb();

}  // namespace espalier::pipeline
