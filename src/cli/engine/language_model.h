#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/text_windows.h"
#include "infer/decoder.h"
#include "text/tokenizer.h"

namespace espalier {

/// A decoder with its tokenizer, as `eval` and `compare` need it.
struct LanguageModel {
  infer::DecoderModel model;
  std::unique_ptr<Tokenizer> tokenizer;
};
LanguageModel open_language_model(const std::string& folder);

/// --seq-len: 2048, or what the model holds. Throws UserError where it holds fewer positions than asked for.
std::int64_t window_length(std::optional<std::int64_t> asked, const infer::DecoderModel& model);

/// --text-field and --chat-template, of text in JSON Lines.
void add_document_options(CLI::App& app, DocumentOptions& options);

/// The windows of text files, and how they were cut: "sequence_length", "stride", "in_front", "first_token".
struct TextToScore {
  std::vector<ScoredSequence> windows;
  std::map<std::string, std::string> settings;
};
TextToScore text_to_score(std::span<const std::string> files, const LanguageModel& model,
                          const WindowOptions& options, const DocumentOptions& documents);

}  // namespace espalier
