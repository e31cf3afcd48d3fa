#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "text/bpe_trainer.h"
#include "text/wordpiece_trainer.h"

namespace espalier {

/// `train_wordpiece` on the lines of text files (plain, .gz, .zst). Progress: bytes read, then pieces.
/// Throws UserError for broken UTF-8 (file, line, byte) and text without words.
std::vector<std::string> train_wordpiece(std::span<const std::filesystem::path> text_files,
                                         const WordPieceTraining& options, const ProgressSink& progress = {});

/// `train_bpe` on the same; a line's end belongs to the line.
BpeTokenizer train_bpe(std::span<const std::filesystem::path> text_files, const BpeTraining& options,
                       const ProgressSink& progress = {});

}  // namespace espalier
