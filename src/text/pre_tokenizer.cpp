#include "text/pre_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "text/pattern.h"
#include "text/text_normalizer.h"
#include "text/tokenizer_component.h"

namespace espalier {
namespace {

using Word = SplitText::Word;
using Step = PreTokenizer::Step;

/// What becomes of the matches of a pattern that cuts a text.
enum class Delimiter { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
/// What is a delimiter: what matches, or what lies between.
enum class Delimits { kMatches, kRest };

struct Part {
  Word word;
  bool delimiter = false;
};

// Radford et al. 2019, the expression of their encoder.
constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kPunctuation = R"([!-/:-@\[-`{-~\p{P}])";
constexpr std::string_view kWords =
    R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\s]+)";

void cut_at_matches(const Pattern& pattern, const SplitText& split, Word word, Delimits delimits,
                    std::vector<Part>& parts) {
  const std::string_view text = std::string_view(split.text).substr(word.begin, word.end - word.begin);
  const bool match_delimits = delimits == Delimits::kMatches;
  std::size_t begin = 0;
  parts.clear();
  while (const auto found = pattern.find(text, begin)) {
    if (found->begin > begin) {
      parts.push_back({{word.begin + begin, word.begin + found->begin}, !match_delimits});
    }
    parts.push_back({{word.begin + found->begin, word.begin + found->end}, match_delimits});
    begin = found->end;
  }
  if (begin < text.size()) parts.push_back({{word.begin + begin, word.end}, !match_delimits});
}

/// Joins the parts whose neighbour takes them in. The second of two delimiters in a row is not taken in.
void join_parts(std::vector<Part>& parts, Delimiter behaviour) {
  const bool backwards = behaviour == Delimiter::kMergedWithNext;
  if (backwards) std::reverse(parts.begin(), parts.end());
  bool previous = false;
  std::vector<Part> joined;
  for (const Part& part : parts) {
    const bool taken_in =
        behaviour == Delimiter::kContiguous ? part.delimiter == previous : part.delimiter && !previous;
    if (!taken_in || joined.empty()) {
      joined.push_back(part);
    } else if (backwards) {
      joined.back().word.begin = part.word.begin;
    } else {
      joined.back().word.end = part.word.end;
    }
    previous = part.delimiter;
  }
  if (backwards) std::reverse(joined.begin(), joined.end());
  parts = std::move(joined);
}

Step split_step(std::string_view expression, Delimiter behaviour, Delimits delimits,
                const std::string& where) {
  auto pattern = std::make_shared<const Pattern>(expression, where);
  return [=](SplitText& split) {
    std::vector<Word> words;
    std::vector<Part> parts;
    words.reserve(split.text.size() / 4);
    for (const Word word : split.words) {
      cut_at_matches(*pattern, split, word, delimits, parts);
      if (behaviour != Delimiter::kRemoved && behaviour != Delimiter::kIsolated) {
        join_parts(parts, behaviour);
      }
      for (const Part& part : parts) {
        if (behaviour != Delimiter::kRemoved || !part.delimiter) words.push_back(part.word);
      }
    }
    split.words = std::move(words);
  };
}

/// Puts `prefix` in front of the words for which `wanted(text of the word, its begin)` holds.
template <class Wanted>
void prepend_to_words(SplitText& split, std::string_view prefix, Wanted&& wanted) {
  std::string text;
  std::vector<Word> words;
  for (std::size_t i = 0; i < split.words.size(); ++i) {
    const std::size_t begin = text.size();
    if (wanted(split.word(i), split.words[i].begin)) text += prefix;
    text += split.word(i);
    words.push_back({begin, text.size()});
  }
  split.text = std::move(text);
  split.words = std::move(words);
}

void make_byte_level(PreTokenizer& into, JsonObject& options, const std::string& where) {
  if (options.boolean("add_prefix_space", true)) {
    into.steps.push_back([](SplitText& split) {
      prepend_to_words(split, " ", [](std::string_view word, std::size_t) { return !word.starts_with(' '); });
    });
  }
  if (options.boolean("use_regex", true)) {
    into.steps.push_back(split_step(kGpt2, Delimiter::kIsolated, Delimits::kMatches, where));
  }
  into.byte_level = true;
}

void make_metaspace(PreTokenizer& into, JsonObject& options, const std::string& where) {
  const std::string mark = options.string("replacement", "\u2581");
  const bool prefixes = options.boolean("add_prefix_space", true);
  const std::string scheme = options.string("prepend_scheme", prefixes ? "always" : "never");
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    options.fail("prepend_scheme", fmt::format("found \"{}\", expected always, first or never", scheme));
  }
  const nlohmann::json spaces = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}};
  into.steps.push_back([=, replace = make_normalizer(spaces, where)](SplitText& split) {
    SplitText out;
    for (std::size_t i = 0; i < split.words.size(); ++i) {
      std::string word(split.word(i));
      replace(word);
      const bool wanted = scheme == "always" || (scheme == "first" && split.at_start && i == 0);
      if (wanted && !word.starts_with(mark)) word.insert(0, mark);
      const std::size_t begin = out.text.size();
      out.text += word;
      out.words.push_back({begin, out.text.size()});
    }
    split.text = std::move(out.text);
    split.words = std::move(out.words);
  });
  if (!options.boolean("split", true)) return;
  const std::string expression = expression_of({{"String", mark}}, where);
  into.steps.push_back(split_step(expression, Delimiter::kMergedWithNext, Delimits::kMatches, where));
}

Delimiter behaviour_of(JsonObject& options, std::string_view fallback) {
  const std::string name = options.string("behavior", fallback);
  if (name == "Removed") return Delimiter::kRemoved;
  if (name == "Isolated") return Delimiter::kIsolated;
  if (name == "MergedWithPrevious") return Delimiter::kMergedWithPrevious;
  if (name == "MergedWithNext") return Delimiter::kMergedWithNext;
  if (name == "Contiguous") return Delimiter::kContiguous;
  options.fail("behavior", fmt::format("unknown behavior \"{}\"", name),
               "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

void add(PreTokenizer& into, const nlohmann::json& component, const std::string& where, int depth) {
  auto [type, options] = open_component(component, where, depth);
  if (into.byte_level) {
    throw UserError(fmt::format("{}: \"{}\" after ByteLevel", where, type),
                    "ByteLevel comes last in every published tokenizer");
  }
  const auto split = [&](std::string_view expression, Delimiter behaviour,
                         Delimits delimits = Delimits::kMatches) {
    into.steps.push_back(split_step(expression, behaviour, delimits, where));
  };
  if (type == "Sequence") {
    std::size_t i = 0;
    for (const auto& part : component_list(options, "pretokenizers")) {
      add(into, part, fmt::format("{}[{}]", where, i++), depth + 1);
    }
  } else if (type == "Split") {
    split(expression_of(options.value("pattern"), where), behaviour_of(options, "Isolated"),
          options.boolean("invert", false) ? Delimits::kRest : Delimits::kMatches);
  } else if (type == "ByteLevel") {
    make_byte_level(into, options, where);
  } else if (type == "Metaspace") {
    make_metaspace(into, options, where);
  } else if (type == "Digits") {
    split("\\p{N}",
          options.boolean("individual_digits", false) ? Delimiter::kIsolated : Delimiter::kContiguous);
  } else if (type == "Punctuation") {
    split(kPunctuation, behaviour_of(options, "Isolated"));
  } else if (type == "Whitespace") {
    split(kWords, Delimiter::kRemoved, Delimits::kRest);
  } else if (type == "WhitespaceSplit") {
    split("\\s", Delimiter::kRemoved);
  } else if (type == "BertPreTokenizer") {
    split("\\s", Delimiter::kRemoved);
    split(kPunctuation, Delimiter::kIsolated);
  } else {
    unknown_component(type, where,
                      "Sequence, Split, ByteLevel, Metaspace, Digits, Punctuation, Whitespace, "
                      "WhitespaceSplit, BertPreTokenizer");
  }
}

}  // namespace

PreTokenizer make_pre_tokenizer(const nlohmann::json& component, const std::string& where) {
  PreTokenizer made;
  if (!component.is_null()) add(made, component, where, 0);
  return made;
}

}  // namespace espalier
