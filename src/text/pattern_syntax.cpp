#include "text/pattern_syntax.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/error.h"
#include "text/pattern_class.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::size_t kMaxPatternBytes = 16'384;
constexpr int kMaxNesting = 64;

/// Recursive descent over code points; each function returns PCRE2's expression for what it has read.
class Translator {
 public:
  Translator(std::string_view expression, std::string_view where) : text_(expression), where_(where) {}

  std::string translate() {
    if (find_invalid_utf8(text_)) fail("invalid UTF-8");
    if (text_.size() > kMaxPatternBytes) fail(fmt::format("longer than {} bytes", kMaxPatternBytes));
    std::string whole = alternation(0);
    if (!at_end()) fail("\")\" without \"(\"");
    return whole;
  }

 private:
  /// A member of a class: one character, which can begin a range, or a set.
  struct Member {
    PatternClass set;
    std::optional<std::uint32_t> character;
  };

  bool at_end() const { return at_ == text_.size(); }
  bool looking_at(std::string_view literal) const { return text_.substr(at_).starts_with(literal); }
  bool take(std::string_view literal) {
    if (!looking_at(literal)) return false;
    at_ += literal.size();
    return true;
  }
  std::uint32_t next(std::string_view missing) {
    if (at_end()) fail(fmt::format("it ends where {} should follow", missing));
    const auto step = decode_utf8(text_, at_);
    at_ += step.bytes;
    return step.code_point;
  }
  [[noreturn]] void fail(std::string_view what) const {
    throw UserError(
        fmt::format("{}: expression \"{}\", byte {}: {}", where_, text_.substr(0, 120), at_ + 1, what),
        "known: literals, classes, \\p{..}, groups, (?i:..), look-around, quantifiers, ^ and $");
  }

  std::string alternation(int depth);
  std::string sequence(int depth);
  std::string quantified(std::string item);
  std::string interval();
  std::string digits();
  std::string atom(int depth);
  std::string anchor();
  std::string group(int depth);
  Member escape(EscapePlace place);
  std::uint32_t escaped_character(std::uint32_t c);
  std::uint32_t hex(std::size_t count);
  PatternClass property(bool negated);
  PatternClass bracket(int depth);
  void bracket_item(PatternClass& into);
  Member bracket_member();

  static Member single(std::uint32_t c) { return {{pattern_character(c), {}}, c}; }

  std::string_view text_;
  std::string_view where_;
  std::size_t at_ = 0;
};

std::string Translator::alternation(int depth) {
  if (depth > kMaxNesting) fail("nested too deep");
  std::string all = sequence(depth);
  while (take("|")) all += "|" + sequence(depth);
  return all;
}

std::string Translator::sequence(int depth) {
  std::string all;
  while (!at_end() && !looking_at("|") && !looking_at(")")) all += quantified(atom(depth));
  return all;
}

// Counts are never possessive: "a{2}+" repeats a{2}; and "a{2}?" is a{2} or nothing.
std::string Translator::quantified(std::string item) {
  for (bool again = false;; again = true) {
    std::string quantifier = interval();
    const bool counted = !quantifier.empty();
    const bool exact = counted && quantifier.find(',') == std::string::npos;
    for (const char* one : {"?", "*", "+"}) {
      if (quantifier.empty() && take(one)) quantifier = one;
    }
    if (quantifier.empty()) return item;
    if (again) item = fmt::format("(?:{})", item);
    item += quantifier;
    if (!exact && take("?")) {
      item += "?";
    } else if (!counted && take("+")) {
      item += "+";
    }
  }
}

// "{3}", "{1,3}", "{2,}", "{,3}"; any other brace is a character.
std::string Translator::interval() {
  const std::size_t start = at_;
  if (!take("{")) return {};
  const std::string least = digits();
  const bool ranges = take(",");
  const std::string most = ranges ? digits() : std::string();
  if (!take("}") || (least.empty() && most.empty())) {
    at_ = start;
    return {};
  }
  if (!ranges) return fmt::format("{{{}}}", least);
  return fmt::format("{{{},{}}}", least.empty() ? "0" : least, most);
}

std::string Translator::digits() {
  const std::size_t start = at_;
  while (!at_end() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
  return std::string(text_.substr(start, at_ - start));
}

std::string Translator::atom(int depth) {
  if (take("(")) return group(depth);
  if (take("[")) return bracket(depth + 1).member();
  if (take("^")) return "^";
  if (take("$")) return "$";
  if (take(".")) return "[^\\n]";
  const std::string assertion = anchor();
  if (!assertion.empty()) return assertion;
  if (take("\\")) {
    const Member member = escape(EscapePlace::kAlone);
    return member.character ? member.set.items : member.set.member();
  }
  const std::uint32_t c = next("a character");
  if (c == '*' || c == '+' || c == '?') fail("a quantifier of nothing");
  return pattern_character(c);
}

std::string Translator::anchor() {
  for (const char* same : {"\\A", "\\z", "\\Z"}) {
    if (take(same)) return same;
  }
  const bool boundary = take("\\b");
  if (!boundary && !take("\\B")) return {};
  const std::string word = pattern_shorthand('w', EscapePlace::kAlone)->member();
  const char after_word = boundary ? '!' : '=';
  const char after_other = boundary ? '=' : '!';
  return fmt::format("(?:(?<={0})(?{1}{0})|(?<!{0})(?{2}{0}))", word, after_word, after_other);
}

std::string Translator::group(int depth) {
  // An option in front of the rest of its group holds for all alternatives that follow.
  for (const char* option : {"?i", "?-i"}) {
    if (take(std::string(option) + ")")) return fmt::format("({}:{})", option, alternation(depth + 1));
  }
  std::string kind = "?:";
  if (looking_at("?")) {
    static constexpr std::array<std::string_view, 8> kKinds = {
        "?:", "?i:", "?-i:", "?=", "?!", "?<=", "?<!", "?>"};
    kind.clear();
    for (const std::string_view known : kKinds) {
      if (kind.empty() && take(known)) kind = known;
    }
    if (kind.empty()) fail("a group of an unknown kind");
  }
  const std::string inside = alternation(depth + 1);
  if (!take(")")) fail("expected \")\"");
  return fmt::format("({}{})", kind, inside);
}

Translator::Member Translator::escape(EscapePlace place) {
  const std::uint32_t c = next("an escape");
  if (c == 'p' || c == 'P') return {property(c == 'P'), std::nullopt};
  if (auto set = pattern_shorthand(c, place)) return {std::move(*set), std::nullopt};
  return single(escaped_character(c));
}

std::uint32_t Translator::escaped_character(std::uint32_t c) {
  static constexpr std::string_view kLetters = "nrtfvae", kMeanings = "\n\r\t\f\v\a\x1b";
  if (const auto known = kLetters.find(static_cast<char>(c)); c < 128 && known != std::string_view::npos) {
    return static_cast<std::uint8_t>(kMeanings[known]);
  }
  if (c == 'u') return hex(4);
  if (c == 'x') {
    if (!take("{")) return hex(2);
    const std::size_t end = text_.find('}', at_);
    if (end == std::string_view::npos || end - at_ > 6 || end == at_) fail("expected \\x{H..}");
    const std::uint32_t value = hex(end - at_);
    ++at_;
    return value;
  }
  const bool is_symbol = c < 128 && !((c >= '0' && c <= '9') || ((c | 32u) >= 'a' && (c | 32u) <= 'z'));
  if (!is_symbol) fail("an unknown escape");
  return c;
}

std::uint32_t Translator::hex(std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t c = next("a hexadecimal digit");
    const std::uint32_t letter = (c | 32u) - 'a';
    if (!(c >= '0' && c <= '9') && letter > 5) fail("expected a hexadecimal digit");
    value = value * 16 + (c <= '9' ? c - '0' : letter + 10);
  }
  if (value > 0x10FFFF) fail("no such code point");
  return value;
}

PatternClass Translator::property(bool negated) {
  const std::size_t end = text_.find('}', at_);
  if (!take("{") || end == std::string_view::npos) fail("expected \\p{NAME}");
  if (take("^")) negated = !negated;
  const std::string_view name = text_.substr(at_, end - at_);
  at_ = end + 1;
  auto set = pattern_property(name, negated);
  if (!set) fail(fmt::format("unknown property \"{}\"", name));
  return std::move(*set);
}

// After "["; a "]" in front is a character.
PatternClass Translator::bracket(int depth) {
  if (depth > kMaxNesting) fail("nested too deep");
  if (looking_at(":")) fail("POSIX brackets are not known; use \\p{..}");
  const bool negated = take("^");
  std::optional<PatternClass> all;
  PatternClass part;
  const auto close_part = [&] {
    if (part.items.empty() && part.others.empty()) fail("a class without members");
    if (all) {
      all->retain(part);
    } else {
      all = std::move(part);
    }
    part = {};
  };
  for (bool is_first = true; is_first || !looking_at("]"); is_first = false) {
    if (take("&&")) {
      close_part();
    } else if (take("[")) {
      part.add(bracket(depth + 1));
    } else {
      bracket_item(part);
    }
  }
  ++at_;
  close_part();
  if (negated) all->negate();
  return std::move(*all);
}

// A character, a range, or an escape that stands for a set.
void Translator::bracket_item(PatternClass& into) {
  const Member first = bracket_member();
  into.add(first.set);
  if (!first.character || !looking_at("-") || text_.substr(at_ + 1).starts_with("]")) return;
  take("-");
  const Member last = bracket_member();
  if (!last.character || *last.character < *first.character) fail("a range that goes backwards");
  into.items += "-" + last.set.items;
}

Translator::Member Translator::bracket_member() {
  return take("\\") ? escape(EscapePlace::kInBrackets) : single(next("\"]\""));
}

}  // namespace

std::string translate_pattern(std::string_view expression, std::string_view where) {
  return Translator(expression, where).translate();
}

}  // namespace espalier
