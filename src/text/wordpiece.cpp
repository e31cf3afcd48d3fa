#include "text/wordpiece.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "text/basic_tokenizer.h"
#include "text/piece_trie.h"
#include "text/vocabulary_file.h"

namespace espalier {
namespace {

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

// Greedy longest match first; a word with a part that no piece matches is [UNK] as a whole.
struct PieceSink {
  const PieceTrie& trie;
  std::int32_t unknown;
  std::vector<std::int32_t>& ids;

  void long_word() { ids.push_back(unknown); }
  void word(std::string_view text) {
    const auto before = ids.size();
    auto position = PieceTrie::Position::kWordStart;
    while (!text.empty()) {
      const auto match = trie.longest_prefix(text, position);
      if (match.bytes == 0) {
        ids.resize(before);
        ids.push_back(unknown);
        return;
      }
      ids.push_back(match.id);
      text.remove_prefix(match.bytes);
      position = PieceTrie::Position::kContinuation;
    }
  }
};

}  // namespace

struct WordPiece::State {
  State(std::vector<std::string> all, const Options& chosen, std::string_view name)
      : pieces(std::move(all)),
        options(chosen),
        trie(pieces),
        tokenizer({chosen.lower_case, chosen.split_cjk, chosen.max_word_characters}) {
    for (std::size_t i = 0; i < pieces.size(); ++i) ids.emplace(pieces[i], static_cast<std::int32_t>(i));
    const auto find = [&](std::string_view piece) {
      const auto found = ids.find(piece);
      return found == ids.end() ? -1 : found->second;
    };
    special = {find("[PAD]"), find("[UNK]"), find("[CLS]"), find("[SEP]"), find("[MASK]")};
    if (special[kUnk] < 0) {
      throw UserError(fmt::format("{}: the vocabulary has no piece [UNK]", name),
                      "BERT vocabularies hold [PAD], [UNK], [CLS], [SEP] and [MASK]");
    }
  }

  enum { kPad, kUnk, kCls, kSep, kMask };
  static constexpr std::array<std::string_view, 5> kSpecialPieces = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                                                     "[MASK]"};

  void encode_plain(std::string_view text, BasicTokenizer& splitter, std::vector<std::int32_t>& out) const {
    splitter.split(text, PieceSink{trie, special[kUnk], out});
  }

  // The special piece that `text` begins with, as an index into kSpecialPieces.
  std::optional<std::size_t> special_prefix(std::string_view text) const {
    for (std::size_t i = 0; i < kSpecialPieces.size(); ++i) {
      if (special[i] >= 0 && text.starts_with(kSpecialPieces[i])) return i;
    }
    return std::nullopt;
  }

  void encode_with_special(std::string_view text, BasicTokenizer& splitter,
                           std::vector<std::int32_t>& out) const {
    std::size_t begin = 0;
    for (std::size_t at = text.find('['); at != std::string_view::npos; at = text.find('[', at)) {
      const auto found = special_prefix(text.substr(at));
      if (!found) {
        ++at;
        continue;
      }
      encode_plain(text.substr(begin, at - begin), splitter, out);
      out.push_back(special[*found]);
      begin = at += kSpecialPieces[*found].size();
    }
    encode_plain(text.substr(begin), splitter, out);
  }

  std::vector<std::string> pieces;
  Options options;
  PieceTrie trie;
  BasicTokenizer tokenizer;
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> ids;
  std::array<std::int32_t, 5> special{};
};

WordPiece::WordPiece(std::unique_ptr<State> state) : state_(std::move(state)) {}
WordPiece::WordPiece(WordPiece&&) noexcept = default;
WordPiece& WordPiece::operator=(WordPiece&&) noexcept = default;
WordPiece::~WordPiece() = default;

WordPiece WordPiece::load(const std::filesystem::path& vocab_file, const Options& options) {
  return WordPiece(std::make_unique<State>(read_vocabulary(vocab_file), options, vocab_file.string()));
}

WordPiece WordPiece::from_pieces(std::vector<std::string> pieces, const Options& options) {
  return WordPiece(
      std::make_unique<State>(checked_vocabulary(std::move(pieces), "vocabulary"), options, "vocabulary"));
}

std::vector<std::int32_t> WordPiece::encode(std::string_view utf8) const {
  std::vector<std::int32_t> ids;
  encode(utf8, ids);
  return ids;
}

void WordPiece::encode(std::string_view utf8, std::vector<std::int32_t>& append_to) const {
  BasicTokenizer tokenizer = state_->tokenizer;  // it keeps the word being read, so each call has its own
  if (state_->options.special_tokens == SpecialTokens::kRecognized) {
    state_->encode_with_special(utf8, tokenizer, append_to);
  } else {
    state_->encode_plain(utf8, tokenizer, append_to);
  }
}

const WordPiece::Options& WordPiece::options() const {
  return state_->options;
}
std::int32_t WordPiece::vocabulary_size() const {
  return static_cast<std::int32_t>(state_->pieces.size());
}
std::span<const std::string> WordPiece::pieces() const {
  return state_->pieces;
}

std::string_view WordPiece::piece(std::int32_t id) const {
  if (id < 0 || id >= vocabulary_size()) {
    throw InternalError(fmt::format("piece {} of a vocabulary of {}", id, vocabulary_size()));
  }
  return state_->pieces[static_cast<std::size_t>(id)];
}

std::int32_t WordPiece::id(std::string_view piece) const {
  const auto found = state_->ids.find(piece);
  return found == state_->ids.end() ? -1 : found->second;
}

std::int32_t WordPiece::pad() const {
  return state_->special[State::kPad];
}
std::int32_t WordPiece::unk() const {
  return state_->special[State::kUnk];
}
std::int32_t WordPiece::cls() const {
  return state_->special[State::kCls];
}
std::int32_t WordPiece::sep() const {
  return state_->special[State::kSep];
}
std::int32_t WordPiece::mask() const {
  return state_->special[State::kMask];
}

}  // namespace espalier
