#include "text/pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/base/user_error.h"

namespace espalier {
namespace {

std::vector<std::string> matches(std::string_view expression, const std::string& text) {
  const Pattern pattern(expression, "test");
  std::vector<std::string> found;
  std::size_t at = 0;
  while (const auto match = pattern.find(text, at)) {
    found.push_back(text.substr(match->begin, match->end - match->begin));
    at = match->end;
  }
  return found;
}

using Strings = std::vector<std::string>;

TEST(Pattern, TakesTheFirstAlternativeNotTheLongest) {
  EXPECT_EQ(matches("a|ab|b", "ab"), (Strings{"a", "b"}));
  EXPECT_EQ(matches("(?:a|ab)c", "abc"), Strings{"abc"});
}

TEST(Pattern, QuantifiersTakeAndGiveBack) {
  EXPECT_EQ(matches("a*ab", "aaab"), Strings{"aaab"});
  EXPECT_EQ(matches("a+?", "aaa"), (Strings{"a", "a", "a"}));
  EXPECT_EQ(matches("a++a", "aaa"), Strings{});
  EXPECT_EQ(matches("[0-9]{1,3}", "12345"), (Strings{"123", "45"}));
  EXPECT_EQ(matches("a{2}", "aaaaa"), (Strings{"aa", "aa"}));
  EXPECT_EQ(matches("(?:ab){2,}", "ababab ab"), Strings{"ababab"});
  EXPECT_EQ(matches("(?:ab)?c", "abc c"), (Strings{"abc", "c"}));
  EXPECT_EQ(matches("(?:ab|a)*b", "aabab"), Strings{"aabab"});
  EXPECT_EQ(matches("\u00e9+x", "\u00e9\u00e9\u00e9x"), Strings{"\u00e9\u00e9\u00e9x"});
  EXPECT_EQ(matches("(?:a?)*b", "ab"), Strings{"ab"});
}

TEST(Pattern, LooksAheadWithoutTaking) {
  EXPECT_EQ(matches("\\s+(?!\\S)|\\s+", "a   b  "), (Strings{"  ", " ", "  "}));
  EXPECT_EQ(matches("a(?=b)", "aab"), Strings{"a"});
}

TEST(Pattern, KnowsClassesAndProperties) {
  EXPECT_EQ(matches("[^\\s\\p{L}\\p{N}]+", "a1, \u4e2d!?"), (Strings{",", "!?"}));
  EXPECT_EQ(matches("\\p{N}", "1\u00bd\u0664"), (Strings{"1", "\u00bd", "\u0664"}));
  EXPECT_EQ(matches("[\\p{L}&&[^\\p{Han}]]+", "ab\u4e2d"), Strings{"ab"});
  EXPECT_EQ(matches("[a\\-z]+", "a-zb"), Strings{"a-z"});
  EXPECT_EQ(matches("[]a]+", "]a"), Strings{"]a"});
  EXPECT_EQ(matches("\\x{4e2d}|\\u4e00", "\u4e2d\u4e00"), (Strings{"\u4e2d", "\u4e00"}));
  EXPECT_EQ(matches("\\P{L}+|\\p{^L}", "a12b"), Strings{"12"});
  EXPECT_EQ(matches(".+", "a\nb"), (Strings{"a", "b"}));
}

// Oniguruma's white space is Unicode's: also the vertical tab, U+0085 and U+3000.
TEST(Pattern, WhiteSpaceIsUnicodes) {
  EXPECT_EQ(matches("\\s+", "a\v\u0085\u3000b"), Strings{"\v\u0085\u3000"});
  EXPECT_EQ(matches("\\S+", "a\u2028b"), (Strings{"a", "b"}));
}

TEST(Pattern, IgnoresCaseInsideItsGroup) {
  EXPECT_EQ(matches("(?i:'s|'ll)|x", "'S'Ll x X"), (Strings{"'S", "'Ll", "x"}));
  EXPECT_EQ(matches("(?i:k)", "\u212a"), Strings{"\u212a"});  // the Kelvin sign folds to k
}

TEST(Pattern, AnchorsAreOfLines) {
  EXPECT_EQ(matches("\\s+$", "a  \nb  "), (Strings{"  ", "  "}));
  EXPECT_EQ(matches("^b", "ab\nb"), Strings{"b"});
}

TEST(Pattern, SaysWhatItDoesNotKnow) {
  const std::pair<const char*, const char*> cases[] = {{"(a", "\")\""},
                                                       {"a)", "without"},
                                                       {"[a", "\"]\""},
                                                       {"*a", "quantifier of nothing"},
                                                       {"a**", "quantifier of a quantifier"},
                                                       {"a{3,1}", "wrong way"},
                                                       {"a{9999}", "up to 1000"},
                                                       {"\\p{Klingon}", "Klingon"},
                                                       {"\\p{L", "\\p{NAME}"},
                                                       {"(?<=a)b", "unknown kind"},
                                                       {"\\b", "unknown escape"},
                                                       {"[z-a]", "backwards"},
                                                       {"[[:alpha:]]", "POSIX"},
                                                       {"(?:ab)++", "possessive"},
                                                       {"\\x{110000}", "no such code point"},
                                                       {"(?:(?:(?:a{1,9}b){900}){900})", "too large"}};
  for (const auto& [expression, message] : cases) {
    SCOPED_TRACE(expression);
    testing::expect_user_error([&] { Pattern(expression, "where"); }, {"where", message});
  }
}

TEST(Pattern, GivesUpWhereAnExpressionExplodes) {
  const std::string text(60, 'a');
  testing::expect_user_error([&] { Pattern("(?:a|aa|a)*b", "where").find(text, 0); }, {"takes too long"});
  const std::string deep(100'000, 'x');
  testing::expect_user_error([&] { Pattern("(?:xx?)*y", "where").find(deep, 0); }, {"takes too long"});
}

}  // namespace
}  // namespace espalier
