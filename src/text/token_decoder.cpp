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

// A piece with a character outside the alphabet is an added token, which is text.
void byte_level(std::string& piece, PiecePlace) {
  if (auto bytes = spelled_bytes(piece)) piece = std::move(*bytes);
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

struct Strip {
  std::string content;
  std::size_t start = 0, stop = 0;

  void operator()(std::string& piece, PiecePlace place) const {
    if (place == PiecePlace::kInside) return;
    for (std::size_t i = 0; i < start && piece.starts_with(content); ++i) piece.erase(0, content.size());
    for (std::size_t i = 0; i < stop && piece.ends_with(content); ++i) {
      piece.resize(piece.size() - content.size());
    }
  }
};

Strip parse_strip(JsonObject& options) {
  const std::string content = options.string("content");
  if (content.empty()) options.fail("content", "expected a character");
  return {content, static_cast<std::size_t>(options.integer("start", {0, 1'000}, 0)),
          static_cast<std::size_t>(options.integer("stop", {0, 1'000}, 0))};
}

PieceStep replace_step(const nlohmann::json& component, const std::string& where) {
  return [replace = make_normalizer(component, where)](std::string& piece, PiecePlace) {
    if (!find_invalid_utf8(piece)) replace(piece);
  };
}

PieceStep metaspace_step(JsonObject& options) {
  const std::string scheme =
      options.string("prepend_scheme", options.boolean("add_prefix_space", true) ? "always" : "never");
  return space_mark_step(options.string("replacement", "\u2581"),
                         scheme == "never" ? FirstSpace::kOfText : FirstSpace::kOwn);
}

/// Components in their order. Once pieces are joined to one text, a step sees all of it.
class Reader {
 public:
  void add(const nlohmann::json& component, const std::string& where, int depth) {
    auto [type, options] = open_component(component, where, depth);
    if (type == "Sequence") {
      std::size_t i = 0;
      for (const auto& part : component_list(options, "decoders")) {
        add(part, fmt::format("{}[{}]", where, i++), depth + 1);
      }
    } else if (type == "ByteLevel") {
      add_step(byte_level);
      joined_ = true;
    } else if (type == "ByteFallback") {
      add_bytes();
    } else if (type == "Fuse") {
      joined_ = true;
    } else if (type == "Strip") {
      add_strip(parse_strip(options));
    } else if (type == "Replace") {
      add_step(replace_step(component, where));
    } else if (type == "Metaspace") {
      add_step(metaspace_step(options));
    } else if (type == "WordPiece") {
      add_step(word_piece_step(options.string("prefix", "##"),
                               options.boolean("cleanup", true) ? Cleanup::kPunctuation : Cleanup::kNone));
    } else {
      unknown_component(type, where,
                        "Sequence, ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace, WordPiece");
    }
  }
  DecoderStages take() { return std::move(stages_); }

 private:
  void add_step(PieceStep step) {
    stages_.push_back(joined_ ? whole_text(std::move(step)) : each_piece(std::move(step)));
  }
  // A text of one byte piece and nothing else is a byte, too.
  void add_bytes() {
    if (!joined_) return stages_.push_back(byte_pieces(BrokenBytes::kWholeRun));
    add_step([](std::string& text, PiecePlace) {
      char byte = 0;
      if (!is_byte_piece(text, byte)) return;
      text.assign(1, byte);
      if (find_invalid_utf8(text)) text = "\uFFFD";
    });
  }
  void add_strip(Strip strip) {
    if (!joined_ || strip.stop > 0) return add_step(std::move(strip));
    stages_.push_back(without_start(strip.content, strip.start));
  }

  DecoderStages stages_;
  bool joined_ = false;
};

}  // namespace

PieceStep space_mark_step(std::string mark, FirstSpace first) {
  return [mark = std::move(mark), first](std::string& piece, PiecePlace place) {
    const bool own = place == PiecePlace::kFirst && first == FirstSpace::kOwn;
    replace_all(piece, mark, own ? "" : " ");
  };
}

PieceStep word_piece_step(std::string prefix, Cleanup cleanup) {
  return [prefix = std::move(prefix), cleanup](std::string& piece, PiecePlace place) {
    if (place != PiecePlace::kFirst) {
      if (piece.starts_with(prefix)) {
        piece.erase(0, prefix.size());
      } else {
        piece.insert(0, " ");
      }
    }
    if (cleanup == Cleanup::kPunctuation) clean_punctuation(piece);
  };
}

TokenDecoder::TokenDecoder(const nlohmann::json& component, const std::string& where) {
  if (!component.is_null()) {
    Reader reader;
    reader.add(component, where, 0);
    stages_ = reader.take();
    return;
  }
  stages_.push_back(each_piece([](std::string& piece, PiecePlace place) {
    if (place == PiecePlace::kLater) piece.insert(0, " ");
  }));
}

std::string TokenDecoder::bytes_inside(std::string piece) const {
  for (const auto& stage : stages_) stage->inside(piece);
  return piece;
}

}  // namespace espalier
