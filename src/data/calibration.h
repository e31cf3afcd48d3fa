#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/progress.h"
#include "data/documents.h"
#include "data/token_sequences.h"
#include "text/tokenizer.h"

namespace espalier {

/// How documents become rows of tokens.
enum class CalibrationRows {
  kJoined,  ///< joined, each between the tokenizer's own prefix and suffix, and cut into rows of one length
  kDocuments,  ///< one document a row, cut at the sequence length; shorter ones stay short (nothing is
               ///< padded)
};

struct CalibrationOptions {
  std::int64_t samples = 128;           ///< rows, drawn by the seed; fewer where the text has fewer
  std::int64_t sequence_length = 2048;  ///< tokens of a row
  CalibrationRows rows = CalibrationRows::kJoined;
  std::uint64_t seed = 42;
  DocumentOptions documents;  ///< of JSON Lines
};

/// The token ids of a calibration run: a value, so that a run can be repeated, resumed and compared.
struct CalibrationSet {
  TokenSequences rows;  ///< none is empty; in the order of the files
  std::string source;   ///< files as named by the user, joined by ", "
  std::string sha256;   ///< of the rows: each as its length and its ids, 8 bytes each, little-endian
  std::uint64_t seed = 0;
  std::int64_t sequence_length = 0;  ///< the longest that a row may be

  std::int64_t tokens() const;
};

/// Reads text (.txt and others: documents are separated by empty lines), JSON Lines (.jsonl: a document a
/// line, in `field`) and token ids (.json: {"sequences": [[..], ..]}, which need no tokenizer), the first two
/// plain, .gz or .zst. `tokenizer` may be null where all files hold ids. Ids not below `vocabulary_size`, a
/// file without tokens, a missing field and broken UTF-8 are a UserError naming file and line.
CalibrationSet read_calibration(std::span<const std::filesystem::path> files, const Tokenizer* tokenizer,
                                std::int64_t vocabulary_size, const CalibrationOptions& options,
                                const ProgressSink& progress = {});

/// The digest of `CalibrationSet::sha256`.
std::string digest_of(const TokenSequences& rows);

}  // namespace espalier
