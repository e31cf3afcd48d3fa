#include "text/pattern_syntax.h"

#include <fmt/format.h>
#include <unicode/uniset.h>

#include <string>

#include "base/error.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::size_t kMaxPatternBytes = 16'384;
constexpr int kMaxNesting = 64;
constexpr std::uint32_t kMaxRepeat = 1000;

enum class LetterCases { kAsWritten, kIgnored };

icu::UnicodeSet named_set(const char* pattern) {
  UErrorCode status = U_ZERO_ERROR;
  icu::UnicodeSet set(icu::UnicodeString(pattern, -1, US_INV), status);
  if (U_FAILURE(status)) throw InternalError(fmt::format("ICU does not know {}", pattern));
  return set;
}

CharacterSet character_set(const icu::UnicodeSet& set) {
  std::vector<CharacterSet::Range> ranges;
  for (std::int32_t i = 0; i < set.getRangeCount(); ++i) {
    ranges.push_back(
        {static_cast<std::uint32_t>(set.getRangeStart(i)), static_cast<std::uint32_t>(set.getRangeEnd(i))});
  }
  return CharacterSet(ranges);
}

/// Recursive descent over code points.
class Parser {
 public:
  Parser(std::string_view pattern, std::string_view where) : text_(pattern), where_(where) {}

  ParsedPattern parse() {
    if (find_invalid_utf8(text_)) fail("invalid UTF-8");
    if (text_.size() > kMaxPatternBytes) fail(fmt::format("longer than {} bytes", kMaxPatternBytes));
    parsed_.tree = alternation(LetterCases::kAsWritten, 0);
    if (!at_end()) fail("\")\" without \"(\"");
    return std::move(parsed_);
  }

 private:
  using Kind = PatternTree::Kind;

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
        "known: literals, classes, \\p{..}, groups, (?i:..), look-ahead, quantifiers, ^ and $");
  }

  PatternTree alternation(LetterCases cases, int depth) {
    if (depth > kMaxNesting) fail("nested too deep");
    PatternTree tree;
    tree.kind = Kind::kAlternation;
    do {
      tree.parts.push_back(sequence(cases, depth));
    } while (take("|"));
    return tree.parts.size() == 1 ? std::move(tree.parts.front()) : tree;
  }

  PatternTree sequence(LetterCases cases, int depth) {
    PatternTree tree;
    while (!at_end() && !looking_at("|") && !looking_at(")")) {
      tree.parts.push_back(quantified(atom(cases, depth)));
    }
    return tree;
  }

  PatternTree quantified(PatternTree item) {
    std::uint32_t min = 1, max = 1;
    if (take("?")) {
      min = 0;
    } else if (take("*")) {
      min = 0, max = PatternTree::kUnlimited;
    } else if (take("+")) {
      max = PatternTree::kUnlimited;
    } else if (!counted(min, max)) {
      return item;
    }
    PatternTree tree;
    tree.kind = Kind::kRepeat;
    tree.min = min;
    tree.max = max;
    if (take("?")) tree.greed = PatternTree::Greed::kLazy;
    if (take("+")) tree.greed = PatternTree::Greed::kPossessive;
    if (looking_at("*") || looking_at("?") || looking_at("+")) fail("a quantifier of a quantifier");
    tree.parts.push_back(std::move(item));
    return tree;
  }

  // "{3}", "{1,3}", "{2,}"
  bool counted(std::uint32_t& min, std::uint32_t& max) {
    if (!take("{")) return false;
    min = count();
    max = min;
    if (take(",")) max = looking_at("}") ? PatternTree::kUnlimited : count();
    if (!take("}")) fail("expected \"}\" after a count");
    if (max < min) fail("the counts are the wrong way round");
    return true;
  }

  std::uint32_t count() {
    std::uint32_t value = 0;
    const std::size_t start = at_;
    while (!at_end() && text_[at_] >= '0' && text_[at_] <= '9' && value <= kMaxRepeat) {
      value = value * 10 + static_cast<std::uint32_t>(text_[at_++] - '0');
    }
    if (at_ == start || value > kMaxRepeat) fail(fmt::format("expected a count up to {}", kMaxRepeat));
    return value;
  }

  PatternTree atom(LetterCases cases, int depth) {
    PatternTree tree;
    if (take("(")) return group(cases, depth);
    if (take("[")) return set_tree(character_class(depth + 1), cases);
    if (take("^")) {
      tree.kind = Kind::kLineStart;
      return tree;
    }
    if (take("$")) {
      tree.kind = Kind::kLineEnd;
      return tree;
    }
    if (take(".")) return set_tree(named_set("[^\\n]"), cases);
    if (take("\\")) return set_tree(escape(), cases);
    const std::uint32_t c = next("a character");
    if (c == '*' || c == '+' || c == '?' || c == '{') fail("a quantifier of nothing");
    return set_tree(single(c), cases);
  }

  PatternTree group(LetterCases cases, int depth) {
    PatternTree tree;
    Kind kind = Kind::kSequence;
    if (take("?")) {
      if (take("i:")) {
        cases = LetterCases::kIgnored;
      } else if (take("=")) {
        kind = Kind::kLookAhead;
      } else if (take("!")) {
        kind = Kind::kNotAhead;
      } else if (!take(":")) {
        fail("a group of an unknown kind");
      }
    }
    tree.kind = kind;
    tree.parts.push_back(alternation(cases, depth + 1));
    if (!take(")")) fail("expected \")\"");
    return tree;
  }

  PatternTree set_tree(icu::UnicodeSet set, LetterCases cases) {
    if (cases == LetterCases::kIgnored) {
      set.closeOver(USET_CASE_INSENSITIVE);
      set.removeAllStrings();
    }
    PatternTree tree;
    tree.kind = Kind::kSet;
    tree.set = static_cast<std::uint32_t>(parsed_.sets.size());
    parsed_.sets.push_back(character_set(set));
    return tree;
  }

  static icu::UnicodeSet single(std::uint32_t c) {
    return icu::UnicodeSet(static_cast<UChar32>(c), static_cast<UChar32>(c));
  }

  icu::UnicodeSet escape() {
    const std::uint32_t c = next("an escape");
    switch (c) {
      case 's':
        return named_set("[:White_Space:]");
      case 'S':
        return named_set("[:^White_Space:]");
      case 'd':
        return named_set("[:Nd:]");
      case 'D':
        return named_set("[:^Nd:]");
      case 'w':
        return named_set("[[:L:][:M:][:Nd:][:Pc:]]");
      case 'W':
        return named_set("[^[:L:][:M:][:Nd:][:Pc:]]");
      case 'p':
      case 'P':
        return property(c == 'P');
      default:
        return single(escaped_character(c));
    }
  }

  std::uint32_t escaped_character(std::uint32_t c) {
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'f':
        return '\f';
      case 'v':
        return '\v';
      case 'x':
        return take("{") ? braced_hex() : hex(2);
      case 'u':
        return hex(4);
      default:
        break;
    }
    const bool is_symbol = c < 128 && !((c >= '0' && c <= '9') || ((c | 32u) >= 'a' && (c | 32u) <= 'z'));
    if (!is_symbol) fail("an unknown escape");
    return c;
  }

  std::uint32_t braced_hex() {
    const std::size_t end = text_.find('}', at_);
    if (end == std::string_view::npos || end - at_ > 6 || end == at_) fail("expected \\x{H..}");
    const std::uint32_t value = hex(static_cast<int>(end - at_));
    ++at_;
    return value;
  }

  std::uint32_t hex(int digits) {
    std::uint32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const std::uint32_t c = next("a hexadecimal digit");
      const std::uint32_t letter = (c | 32u) - 'a';
      if (!(c >= '0' && c <= '9') && letter > 5) fail("expected a hexadecimal digit");
      value = value * 16 + (c <= '9' ? c - '0' : letter + 10);
    }
    if (value > 0x10FFFF) fail("no such code point");
    return value;
  }

  icu::UnicodeSet property(bool negated) {
    const std::size_t end = text_.find('}', at_);
    if (!take("{") || end == std::string_view::npos) fail("expected \\p{NAME}");
    negated ^= take("^");
    const std::string name(text_.substr(at_, end - at_));
    at_ = end + 1;
    const bool plain =
        name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_ -=") ==
        std::string::npos;
    UErrorCode status = U_ZERO_ERROR;
    const std::string pattern = "\\p{" + name + "}";
    icu::UnicodeSet set;
    if (plain) set.applyPattern(icu::UnicodeString::fromUTF8(pattern), status);
    if (!plain || U_FAILURE(status)) fail(fmt::format("unknown property \"{}\"", name));
    if (negated) set.complement();
    return set;
  }

  // After "["; a "]" in front is a character.
  icu::UnicodeSet character_class(int depth) {
    if (depth > kMaxNesting) fail("nested too deep");
    if (looking_at(":")) fail("POSIX brackets are not known; use \\p{..}");
    const bool negated = take("^");
    icu::UnicodeSet all, part;
    bool intersect = false, is_first = true;
    const auto close_part = [&] {
      if (intersect) {
        all.retainAll(part);
      } else {
        all = part;
      }
      part.clear();
    };
    while (is_first || !looking_at("]")) {
      if (take("&&")) {
        close_part();
        intersect = true;
      } else if (take("[")) {
        part.addAll(character_class(depth + 1));
      } else {
        class_item(part);
      }
      is_first = false;
    }
    ++at_;
    close_part();
    if (negated) all.complement();
    return all;
  }

  // A character, a range, or an escape that stands for a set.
  void class_item(icu::UnicodeSet& into) {
    icu::UnicodeSet set = class_member();
    const bool is_range = looking_at("-") && !text_.substr(at_ + 1).starts_with("]");
    if (!is_range || set.size() != 1) {
      into.addAll(set);
      return;
    }
    take("-");
    const icu::UnicodeSet last = class_member();
    if (last.size() != 1 || last.charAt(0) < set.charAt(0)) fail("a range that goes backwards");
    into.add(set.charAt(0), last.charAt(0));
  }

  icu::UnicodeSet class_member() { return take("\\") ? escape() : single(next("\"]\"")); }

  std::string_view text_;
  std::string_view where_;
  std::size_t at_ = 0;
  ParsedPattern parsed_;
};

}  // namespace

ParsedPattern parse_pattern(std::string_view pattern, std::string_view where) {
  return Parser(pattern, where).parse();
}

}  // namespace espalier
