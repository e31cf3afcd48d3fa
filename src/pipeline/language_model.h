#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/documents.h"
#include "data/text_windows.h"
#include "infer/decoder.h"
#include "pipeline/run_context.h"
#include "text/tokenizer.h"

namespace espalier::pipeline {

/// A decoder with its tokenizer, as `eval` and `compare` need it.
struct LanguageModel {
  infer::DecoderModel model;
  std::unique_ptr<Tokenizer> tokenizer;
};
LanguageModel open_language_model(const std::filesystem::path& folder, const RunContext& context);
/// The decoder alone; what its config.json leaves in doubt becomes notes.
infer::DecoderModel open_decoder(const std::filesystem::path& folder, const RunContext& context);

/// --seq-len: 2048, or what the model holds. Throws UserError where it holds fewer positions than asked for.
std::int64_t window_length(std::optional<std::int64_t> asked, const infer::DecoderModel& model);

/// The windows of text files, and how they were cut: "sequence_length", "stride", "in_front", "first_token".
struct TextToScore {
  std::vector<ScoredSequence> windows;
  std::map<std::string, std::string> settings;
};
/// `limit`: the first so many windows; 0: all. Throws UserError without files.
TextToScore text_to_score(std::span<const std::filesystem::path> files, const LanguageModel& model,
                          const WindowOptions& windows, const DocumentOptions& documents, std::size_t limit);

}  // namespace espalier::pipeline
