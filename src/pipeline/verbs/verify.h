#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "pipeline/verb.h"
#include "surgery/verify.h"

namespace espalier::pipeline {

struct VerifyOptions {
  std::filesystem::path model;   ///< before
  std::filesystem::path result;  ///< after
  std::filesystem::path plan;
  SurgeryOptions surgery;  ///< the defaults: what the result says it was made with
};
void describe(options::OptionTable& table, VerifyOptions& options);

struct VerifySummary {
  std::filesystem::path model, result, plan;
  espalier::VerifySummary compared;
};
nlohmann::ordered_json to_json(const VerifySummary& summary);
std::string to_text(const VerifySummary& summary);

/// Proves that `result` is `model` after `plan`, byte for byte (surgery/verify.h). Throws UserError naming
/// the first difference.
VerifySummary verify(const VerifyOptions& options, const RunContext& context);

Verb verify_verb();

}  // namespace espalier::pipeline
