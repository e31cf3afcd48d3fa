#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/documents.h"
#include "eval/sequence_scores.h"
#include "pipeline/stream_memory.h"
#include "pipeline/verb.h"

namespace espalier::pipeline {

struct CompareOptions {
  std::filesystem::path first, second;      ///< decoders of one vocabulary; the first's tokenizer is used
  std::vector<std::filesystem::path> data;  ///< text
  DocumentOptions documents;                ///< of JSON Lines
  std::optional<std::int64_t> sequence_length, stride;
  std::size_t limit = 0;             ///< the first so many windows; 0: all
  std::vector<std::string> prompts;  ///< texts that both go on with
  std::int64_t tokens = 40;          ///< that follow a prompt
  StreamMemory memory;
  std::filesystem::path out;  ///< the result as JSON; empty: nowhere
};
void describe(options::OptionTable& table, CompareOptions& options);

/// What both models make of a prompt, always the most probable token.
struct Continuations {
  std::string prompt, first, second;
};

struct CompareSummary {
  std::filesystem::path first, second;
  ModelComparison comparison;
  std::map<std::string, std::string> settings;  ///< how the text was cut
  std::vector<Continuations> continuations;
};
/// "format": "espalier.comparison/1".
nlohmann::ordered_json to_json(const CompareSummary& summary);
std::string to_text(const CompareSummary& summary);

/// How far two language models are apart on text. Throws UserError for models of different vocabularies.
CompareSummary compare(const CompareOptions& options, const RunContext& context);

Verb compare_verb();

}  // namespace espalier::pipeline
