#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/choice_task.h"
#include "data/documents.h"
#include "text/tokenizer.h"

namespace espalier {

/// How a text is cut for its perplexity.
struct WindowOptions {
  std::int64_t sequence_length = 2048;  ///< tokens of a window, what stands in front of it included
  std::int64_t stride = 0;              ///< tokens from window to window; 0: as many as fit, without overlap
};

/// Windows over `ids`, each with `prefix` (the tokenizer's BOS) in front. Of the tokens that several windows
/// hold, only the first scores each; a window's first token, which nothing stands before, is never scored.
/// Throws UserError where nothing is left to score, or the length or stride does not fit.
std::vector<ScoredSequence> text_windows(std::span<const std::int64_t> ids,
                                         std::span<const std::int32_t> prefix, const WindowOptions& options);

/// The tokens of text files one after another: a plain file (.gz, .zst) as it is, the documents of JSON Lines
/// with an empty line between. Throws UserError for ids not below `vocabulary_size`.
std::vector<std::int64_t> read_text_ids(std::span<const std::filesystem::path> files,
                                        const Tokenizer& tokenizer, std::int64_t vocabulary_size,
                                        const DocumentOptions& options);

}  // namespace espalier
