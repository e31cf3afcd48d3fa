#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"

namespace espalier {

class Tokenizer;

/// BERT's tokenizer: basic tokenization (cleaning, CJK spacing, accents and case, punctuation) followed by
/// greedy longest-match WordPiece (Devlin et al. 2018, reference `tokenization.py`). Or another tokenizer
/// with the five pieces that an encoder needs.
class WordPiece {
 public:
  /// Whether "[MASK]" and the like in a text are five characters and brackets (the reference), or the piece.
  enum class SpecialTokens { kAsText, kRecognized };
  /// How a vocabulary writes the pieces that an encoder needs.
  struct SpecialPieces {
    std::string pad = "[PAD]", unk = "[UNK]", cls = "[CLS]", sep = "[SEP]", mask = "[MASK]";
  };
  struct Options {
    bool lower_case = true;
    std::optional<bool> strip_accents;  ///< none: as lower_case, as the reference does
    bool split_cjk = true;              ///< spaces around CJK ideographs
    bool clean_text = true;             ///< takes controls and the like away
    int max_word_characters = 100;      ///< longer words become [UNK]
    std::string continuation = "##";    ///< in front of a piece that goes on inside a word
    SpecialTokens special_tokens = SpecialTokens::kAsText;
    SpecialPieces special;
  };
  /// One piece per line, the line number is the id. Throws UserError on duplicate or empty pieces and missing
  /// [UNK].
  static WordPiece load(const std::filesystem::path& vocab_file, const Options& options);
  static WordPiece from_pieces(std::vector<std::string> pieces, const Options& options);
  /// The same for pieces that were checked, or whose ids have gaps (no text); `name` stands in errors.
  static WordPiece from_checked(std::vector<std::string> pieces, const Options& options,
                                std::string_view name);
  /// Texts are `tokenizer`'s to encode; `identity` tells it from others.
  static WordPiece around(std::shared_ptr<const Tokenizer> tokenizer, std::vector<std::string> pieces,
                          const SpecialPieces& special, std::string identity);

  /// Ids of `utf8`, without [CLS] and [SEP]. Invalid UTF-8 is replaced by U+FFFD (which cleaning then
  /// removes).
  std::vector<std::int32_t> encode(std::string_view utf8) const;
  void encode(std::string_view utf8, std::vector<std::int32_t>& append_to) const;

  /// All that ids depend on, as text: for keys of caches.
  const std::string& identity() const;
  std::int32_t vocabulary_size() const;
  std::span<const std::string> pieces() const;  ///< by id
  std::string_view piece(std::int32_t id) const;
  std::int32_t id(std::string_view piece) const;  ///< -1 when absent
  const SpecialPieces& special() const;
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
