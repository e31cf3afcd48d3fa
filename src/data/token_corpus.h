#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "data/corpus_tokenizer.h"

namespace espalier {

/// What ends a document: an empty line, or each line (one definition, one sentence a line). A file's end does
/// too.
enum class DocumentBoundary { kEmptyLine, kLine };

/// A tokenized corpus on disk, memory-mapped: documents (runs of non-empty lines; an empty line ends one) one
/// after another, and what the tokenizer puts behind each; documents without tokens are left out. The cache
/// is keyed by the text files' contents, the vocabulary and the options.
class TokenCorpus {
 public:
  /// Opens the cache in `cache_folder` or (re)builds it. Text files may be plain, .gz or .zst.
  /// Throws UserError for broken UTF-8 (file, line, byte), an empty corpus, a full disk.
  static TokenCorpus build(const std::vector<std::filesystem::path>& text_files,
                           const CorpusTokenizer& tokenizer, const std::filesystem::path& cache_folder,
                           const ProgressSink& progress = {}, const NoteSink& note = {},
                           DocumentBoundary boundary = DocumentBoundary::kEmptyLine);
  static TokenCorpus build(const std::vector<std::filesystem::path>& text_files, const WordPiece& tokenizer,
                           const std::filesystem::path& cache_folder, const ProgressSink& progress = {},
                           const NoteSink& note = {},
                           DocumentBoundary boundary = DocumentBoundary::kEmptyLine) {
    return build(text_files, corpus_tokenizer(tokenizer), cache_folder, progress, note, boundary);
  }
  std::span<const std::uint16_t> tokens16() const;  ///< set when the vocabulary has at most 65536 pieces
  std::span<const std::uint32_t> tokens32() const;  ///< set otherwise
  std::uint64_t size() const;                       ///< tokens
  std::int32_t token(std::uint64_t position) const;
  std::span<const std::uint64_t> document_ends()
      const;                       ///< exclusive end position of each document, ascending
  const std::string& key() const;  ///< hexadecimal hash that names the cache

  TokenCorpus(TokenCorpus&&) noexcept;
  TokenCorpus& operator=(TokenCorpus&&) noexcept;
  ~TokenCorpus();

 private:
  struct State;
  explicit TokenCorpus(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace espalier
