#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "pipeline/verb.h"

namespace espalier::pipeline {

struct AlignOptions {
  std::filesystem::path plan;   ///< that merges experts
  std::filesystem::path model;  ///< it was made for
  std::filesystem::path out;    ///< the plan with orders of neurons
};
void describe(options::OptionTable& table, AlignOptions& options);

struct AlignSummary {
  std::filesystem::path plan;  ///< the file that was written
  std::size_t merges = 0;
};
nlohmann::ordered_json to_json(const AlignSummary& summary);
std::string to_text(const AlignSummary& summary);

/// Adds to each merge of a plan the order of neurons in which its experts are most alike.
AlignSummary align(const AlignOptions& options, const RunContext& context);

Verb align_verb();

}  // namespace espalier::pipeline
