#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"

namespace espalier {

/// BERT's tokenizer: basic tokenization (cleaning, CJK spacing, lower-casing with accents stripped,
/// punctuation) followed by greedy longest-match WordPiece (Devlin et al. 2018, reference `tokenization.py`).
class WordPiece {
 public:
  /// Whether "[MASK]" and the like in a text are five characters and brackets (the reference), or the piece.
  enum class SpecialTokens { kAsText, kRecognized };
  struct Options {
    bool lower_case = true;         ///< also strips accents, as the reference does
    bool split_cjk = true;          ///< spaces around CJK ideographs
    int max_word_characters = 100;  ///< longer words become [UNK]
    SpecialTokens special_tokens = SpecialTokens::kAsText;
  };
  /// One piece per line, the line number is the id. Throws UserError on duplicate or empty pieces and missing
  /// [UNK].
  static WordPiece load(const std::filesystem::path& vocab_file, const Options& options);
  static WordPiece from_pieces(std::vector<std::string> pieces, const Options& options);

  /// Ids of `utf8`, without [CLS] and [SEP]. Invalid UTF-8 is replaced by U+FFFD (which cleaning then
  /// removes).
  std::vector<std::int32_t> encode(std::string_view utf8) const;
  void encode(std::string_view utf8, std::vector<std::int32_t>& append_to) const;

  const Options& options() const;
  std::int32_t vocabulary_size() const;
  std::span<const std::string> pieces() const;  ///< by id
  std::string_view piece(std::int32_t id) const;
  std::int32_t id(std::string_view piece) const;  ///< -1 when absent
  std::int32_t cls() const;
  std::int32_t sep() const;
  std::int32_t mask() const;
  std::int32_t pad() const;
  std::int32_t unk() const;

  WordPiece(WordPiece&&) noexcept;
  WordPiece& operator=(WordPiece&&) noexcept;
  ~WordPiece();

 private:
  struct State;
  explicit WordPiece(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace espalier
