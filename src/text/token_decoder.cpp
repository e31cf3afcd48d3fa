#include "text/token_decoder.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "text/byte_alphabet.h"
#include "text/text_normalizer.h"
#include "text/tokenizer_component.h"
#include "text/utf8.h"

namespace espalier {
namespace {

using Pieces = std::vector<std::string>;
using Place = TokenDecoder::Place;
using Step = TokenDecoder::Step;

void fuse(Pieces& pieces) {
  std::string whole;
  for (const std::string& piece : pieces) whole += piece;
  pieces.assign(1, std::move(whole));
}

// A piece with a character outside the alphabet is an added token, which is text.
void byte_level(Pieces& pieces, Place) {
  for (std::string& piece : pieces) {
    if (auto bytes = spelled_bytes(piece)) piece = std::move(*bytes);
  }
  fuse(pieces);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// The reference clean-up of English.
void clean_punctuation(std::string& text) {
  static constexpr std::array<std::array<std::string_view, 2>, 11> kRules = {{{" .", "."},
                                                                              {" ?", "?"},
                                                                              {" !", "!"},
                                                                              {" ,", ","},
                                                                              {" ' ", "'"},
                                                                              {" n't", "n't"},
                                                                              {" 'm", "'m"},
                                                                              {" do not", " don't"},
                                                                              {" 's", "'s"},
                                                                              {" 've", "'ve"},
                                                                              {" 're", "'re"}}};
  for (const auto& [from, to] : kRules) replace_all(text, from, to);
}

Step strip_step(JsonObject& options) {
  const std::string content = options.string("content");
  const auto start = options.integer("start", {0, 1'000}, 0);
  const auto stop = options.integer("stop", {0, 1'000}, 0);
  if (content.empty()) options.fail("content", "expected a character");
  return [=](Pieces& pieces, Place place) {
    if (place == Place::kInside) return;
    for (std::string& piece : pieces) {
      for (std::int64_t i = 0; i < start && piece.starts_with(content); ++i) piece.erase(0, content.size());
      for (std::int64_t i = 0; i < stop && piece.ends_with(content); ++i) {
        piece.resize(piece.size() - content.size());
      }
    }
  };
}

Step replace_step(const nlohmann::json& component, const std::string& where) {
  return [replace = make_normalizer(component, where)](Pieces& pieces, Place) {
    for (std::string& piece : pieces) {
      if (!find_invalid_utf8(piece)) replace(piece);
    }
  };
}

Step metaspace_step(JsonObject& options) {
  const std::string scheme =
      options.string("prepend_scheme", options.boolean("add_prefix_space", true) ? "always" : "never");
  return space_mark_step(options.string("replacement", "\u2581"),
                         scheme == "never" ? FirstSpace::kOfText : FirstSpace::kOwn);
}

void add(std::vector<Step>& steps, const nlohmann::json& component, const std::string& where, int depth) {
  auto [type, options] = open_component(component, where, depth);
  if (type == "Sequence") {
    std::size_t i = 0;
    for (const auto& part : component_list(options, "decoders")) {
      add(steps, part, fmt::format("{}[{}]", where, i++), depth + 1);
    }
  } else if (type == "ByteLevel") {
    steps.push_back(byte_level);
  } else if (type == "ByteFallback") {
    steps.push_back(byte_piece_step());
  } else if (type == "Fuse") {
    steps.push_back([](Pieces& pieces, Place) { fuse(pieces); });
  } else if (type == "Strip") {
    steps.push_back(strip_step(options));
  } else if (type == "Replace") {
    steps.push_back(replace_step(component, where));
  } else if (type == "Metaspace") {
    steps.push_back(metaspace_step(options));
  } else if (type == "WordPiece") {
    steps.push_back(word_piece_step(options.string("prefix", "##"), options.boolean("cleanup", true)
                                                                        ? Cleanup::kPunctuation
                                                                        : Cleanup::kNone));
  } else {
    unknown_component(type, where,
                      "Sequence, ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace, WordPiece");
  }
}

}  // namespace

bool is_byte_piece(std::string_view piece, char& byte) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return false;
  int value = 0;
  for (const char c : piece.substr(3, 2)) {
    const bool digit = c >= '0' && c <= '9', letter = c >= 'A' && c <= 'F';
    if (!digit && !letter) return false;
    value = value * 16 + (digit ? c - '0' : c - 'A' + 10);
  }
  byte = static_cast<char>(value);
  return true;
}

// Bytes in a row that are no UTF-8 become U+FFFD each.
Step byte_piece_step() {
  return [](Pieces& pieces, Place place) {
    Pieces out;
    std::string bytes;
    const auto close = [&] {
      if (bytes.empty()) return;
      if (place == Place::kWhole && find_invalid_utf8(bytes)) {
        std::string replaced;
        for (std::size_t i = 0; i < bytes.size(); ++i) replaced += "\uFFFD";
        bytes = std::move(replaced);
      }
      out.push_back(std::move(bytes));
      bytes.clear();
    };
    for (std::string& piece : pieces) {
      char byte = 0;
      if (is_byte_piece(piece, byte)) {
        bytes += byte;
        continue;
      }
      close();
      out.push_back(std::move(piece));
    }
    close();
    pieces = std::move(out);
  };
}

Step space_mark_step(std::string mark, FirstSpace first) {
  return [mark = std::move(mark), first](Pieces& pieces, Place place) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const bool own = i == 0 && first == FirstSpace::kOwn && place == Place::kWhole;
      replace_all(pieces[i], mark, own ? "" : " ");
    }
  };
}

Step word_piece_step(std::string prefix, Cleanup cleanup) {
  return [prefix = std::move(prefix), cleanup](Pieces& pieces, Place place) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i > 0 || place == Place::kInside) {
        if (pieces[i].starts_with(prefix)) {
          pieces[i].erase(0, prefix.size());
        } else {
          pieces[i].insert(0, " ");
        }
      }
      if (cleanup == Cleanup::kPunctuation) clean_punctuation(pieces[i]);
    }
  };
}

TokenDecoder::TokenDecoder(const nlohmann::json& component, const std::string& where) {
  if (!component.is_null()) {
    add(steps_, component, where, 0);
    return;
  }
  steps_.push_back([](Pieces& pieces, Place) {
    for (std::size_t i = 1; i < pieces.size(); ++i) pieces[i].insert(0, " ");
  });
}

std::string TokenDecoder::text(std::vector<std::string> pieces) const {
  for (const Step& step : steps_) step(pieces, Place::kWhole);
  fuse(pieces);
  return replace_invalid_utf8(pieces.front());
}

std::string TokenDecoder::bytes_inside(std::string piece) const {
  std::vector<std::string> pieces = {std::move(piece)};
  for (const Step& step : steps_) step(pieces, Place::kInside);
  fuse(pieces);
  return std::move(pieces.front());
}

}  // namespace espalier
