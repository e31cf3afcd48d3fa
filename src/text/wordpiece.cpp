#include "text/wordpiece.h"

#include <fmt/format.h>

#include <array>
#include <unordered_map>

#include "base/error.h"
#include "text/added_tokens.h"
#include "text/basic_tokenizer.h"
#include "text/tokenizer.h"
#include "text/vocabulary_file.h"
#include "text/wordpiece_model.h"

namespace espalier {
namespace {

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

struct WordSink {
  const WordPieceModel& model;
  std::vector<std::int32_t>& ids;

  void long_word() { ids.push_back(model.unknown()); }
  void word(std::string_view text) { model.encode(text, ids); }
};

/// Where BERT's own splitting and model make the ids.
struct WordPieces {
  WordPieceModel model;
  BasicTokenizer splitter;
  AddedTokenFinder special;

  void encode(std::string_view text, std::vector<std::int32_t>& ids) const {
    BasicTokenizer tokenizer = splitter;  // it keeps the word being read, so each call has its own
    for (const auto& segment : special.split(text)) {
      if (segment.id) {
        ids.push_back(*segment.id);
      } else {
        tokenizer.split(segment.text, WordSink{model, ids});
      }
    }
  }
};

std::string identity_of(std::span<const std::string> pieces, const WordPiece::Options& options) {
  std::string text =
      fmt::format("lower_case {}\nsplit_cjk {}\nmax_word_characters {}\nspecial {}\n", options.lower_case,
                  options.split_cjk, options.max_word_characters, static_cast<int>(options.special_tokens));
  if (options.strip_accents) text += fmt::format("strip_accents {}\n", *options.strip_accents);
  if (!options.clean_text) text += "as it is\n";
  if (options.continuation != "##") text += fmt::format("continuation {}\n", options.continuation);
  for (const auto& piece : pieces) text += piece + '\n';
  return text;
}

BasicTokenizerOptions splitting(const WordPiece::Options& options) {
  return {{options.clean_text, options.strip_accents.value_or(options.lower_case), options.lower_case},
          options.split_cjk,
          options.max_word_characters};
}

}  // namespace

struct WordPiece::State {
  State(std::vector<std::string> all, const SpecialPieces& names, std::string known_by)
      : pieces(std::move(all)), special(names), identity(std::move(known_by)) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (!pieces[i].empty()) ids.emplace(pieces[i], static_cast<std::int32_t>(i));
    }
    special_ids = {find(special.pad), find(special.unk), find(special.cls), find(special.sep),
                   find(special.mask)};
  }

  enum { kPad, kUnk, kCls, kSep, kMask };

  std::int32_t find(std::string_view piece) const {
    const auto found = ids.find(piece);
    return found == ids.end() ? -1 : found->second;
  }

  AddedTokenFinder special_finder(SpecialTokens in_texts) const {
    std::vector<AddedToken> tokens;
    for (const std::int32_t id : special_ids) {
      if (in_texts == SpecialTokens::kAsText || id < 0) continue;
      AddedToken token;
      token.id = id;
      token.content = pieces[static_cast<std::size_t>(id)];
      tokens.push_back(std::move(token));
    }
    return AddedTokenFinder(tokens);
  }

  std::vector<std::string> pieces;
  SpecialPieces special;
  std::string identity;
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> ids;
  std::array<std::int32_t, 5> special_ids{};
  std::shared_ptr<const Tokenizer> tokenizer;  // one of these two
  std::unique_ptr<const WordPieces> words;
};

WordPiece::WordPiece(std::unique_ptr<State> state) : state_(std::move(state)) {}
WordPiece::WordPiece(WordPiece&&) noexcept = default;
WordPiece& WordPiece::operator=(WordPiece&&) noexcept = default;
WordPiece::~WordPiece() = default;

WordPiece WordPiece::load(const std::filesystem::path& vocab_file, const Options& options) {
  return from_checked(read_vocabulary(vocab_file), options, vocab_file.string());
}

WordPiece WordPiece::from_pieces(std::vector<std::string> pieces, const Options& options) {
  return from_checked(checked_vocabulary(std::move(pieces), "vocabulary"), options, "vocabulary");
}

WordPiece WordPiece::from_checked(std::vector<std::string> pieces, const Options& options,
                                  std::string_view name) {
  std::string identity = identity_of(pieces, options);
  auto state = std::make_unique<State>(std::move(pieces), options.special, std::move(identity));
  const std::int32_t unknown = state->special_ids[State::kUnk];
  if (unknown < 0) {
    throw UserError(fmt::format("{}: the vocabulary has no piece {}", name, options.special.unk),
                    "BERT vocabularies hold [PAD], [UNK], [CLS], [SEP] and [MASK]");
  }
  state->words.reset(new WordPieces{WordPieceModel(state->pieces, unknown, options.continuation),
                                    BasicTokenizer(splitting(options)),
                                    state->special_finder(options.special_tokens)});
  return WordPiece(std::move(state));
}

WordPiece WordPiece::around(std::shared_ptr<const Tokenizer> tokenizer, std::vector<std::string> pieces,
                            const SpecialPieces& special, std::string identity) {
  auto state = std::make_unique<State>(std::move(pieces), special, std::move(identity));
  state->tokenizer = std::move(tokenizer);
  return WordPiece(std::move(state));
}

std::vector<std::int32_t> WordPiece::encode(std::string_view utf8) const {
  std::vector<std::int32_t> ids;
  encode(utf8, ids);
  return ids;
}

void WordPiece::encode(std::string_view utf8, std::vector<std::int32_t>& append_to) const {
  if (state_->words) return state_->words->encode(utf8, append_to);
  const auto ids = state_->tokenizer->encode(utf8);
  append_to.insert(append_to.end(), ids.begin(), ids.end());
}

const std::string& WordPiece::identity() const {
  return state_->identity;
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
  return state_->find(piece);
}

const WordPiece::SpecialPieces& WordPiece::special() const {
  return state_->special;
}
std::int32_t WordPiece::pad() const {
  return state_->special_ids[State::kPad];
}
std::int32_t WordPiece::unk() const {
  return state_->special_ids[State::kUnk];
}
std::int32_t WordPiece::cls() const {
  return state_->special_ids[State::kCls];
}
std::int32_t WordPiece::sep() const {
  return state_->special_ids[State::kSep];
}
std::int32_t WordPiece::mask() const {
  return state_->special_ids[State::kMask];
}

}  // namespace espalier
