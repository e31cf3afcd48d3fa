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
  EXPECT_EQ(matches("(?:ab)++a", "ababa"), Strings{"ababa"});
  EXPECT_EQ(matches("(?>a|ab)c", "abc ac"), Strings{"ac"});
  EXPECT_EQ(matches("a**", "aab"), Strings{"aa"});
}

// As Oniguruma, unlike Perl: counts are not possessive, "{n}?" is optional, "{,n}" counts from nothing.
TEST(Pattern, CountsAreOnigurumas) {
  EXPECT_EQ(matches("a{1,2}+a", "aaaa"), Strings{"aaaa"});
  EXPECT_EQ(matches("a{2}?b", "b aab"), (Strings{"b", "aab"}));
  EXPECT_EQ(matches("a{,2}", "aaa"), (Strings{"aa", "a"}));
  EXPECT_EQ(matches("a{x}", "a{x}"), Strings{"a{x}"});
}

TEST(Pattern, LooksAheadWithoutTaking) {
  EXPECT_EQ(matches("\\s+(?!\\S)|\\s+", "a   b  "), (Strings{"  ", " ", "  "}));
  EXPECT_EQ(matches("a(?=b)", "aab"), Strings{"a"});
}

TEST(Pattern, LooksBehindAndAtWordBoundaries) {
  EXPECT_EQ(matches("(?<=a)b", "ab b"), Strings{"b"});
  EXPECT_EQ(matches("(?<!a)b+", "ab bb"), Strings{"bb"});
  EXPECT_EQ(matches("\\bfoo\\b", "foo food"), Strings{"foo"});
  EXPECT_EQ(matches("\\Boo", "foo oo"), Strings{"oo"});
  EXPECT_EQ(matches("\\A.|.\\z", "abc"), (Strings{"a", "c"}));
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

TEST(Pattern, ClassesNestAndIntersect) {
  EXPECT_EQ(matches("[a-c&&b-d]+", "abcd"), Strings{"bc"});
  EXPECT_EQ(matches("[\\w&&[^a]]+", "abc"), Strings{"bc"});
  EXPECT_EQ(matches("[^a&&b]+", "ab"), Strings{"ab"});
  EXPECT_EQ(matches("[^a[bc]]+", "abcd"), Strings{"d"});
  EXPECT_EQ(matches("[a[^\\S\n]]+", "a \nb"), Strings{"a "});
  EXPECT_EQ(matches("[\\s\\S]+", "a\n b"), Strings{"a\n b"});
  EXPECT_EQ(matches("[a-b-c]+", "a-c"), Strings{"a-c"});
}

// \h is a hexadecimal digit, \w has marks and superscripts, a script's name is no Script_Extensions.
TEST(Pattern, ShorthandsAndNamesAreOnigurumas) {
  EXPECT_EQ(matches("\\h+", "0aFg \t"), Strings{"0aF"});
  EXPECT_EQ(matches("\\w+", "e\u0301\u00b2_1-\u200d"), Strings{"e\u0301\u00b2_1"});
  EXPECT_EQ(matches("\\W+", "a\u200d."), Strings{"\u200d."});
  EXPECT_EQ(matches("\\p{Han}", "\u3001\u4e2d"), Strings{"\u4e2d"});
  EXPECT_EQ(matches("\\p{Uppercase_Letter}+|\\p{lu}", "ABc"), Strings{"AB"});
}

// Oniguruma's white space is Unicode's: also the vertical tab, U+0085 and U+3000.
// Six numbers are of words, but not where the class stands in brackets.
TEST(Pattern, NumbersOfWordsAreOnigurumas) {
  EXPECT_EQ(matches("\\w+", "a\u00bdb \u00b2"), (Strings{"a\u00bdb", "\u00b2"}));
  EXPECT_EQ(matches("[\\w]+", "a\u00bdb \u00b2"), (Strings{"a", "b"}));
  EXPECT_EQ(matches("[\\W]+", "a\u00bd!b"), Strings{"\u00bd!"});
  EXPECT_EQ(matches("b\\b", "b\u00bdb b"), (Strings{"b", "b"}));
}

TEST(Pattern, WhiteSpaceIsUnicodes) {
  EXPECT_EQ(matches("\\s+", "a\v\u0085\u3000b"), Strings{"\v\u0085\u3000"});
  EXPECT_EQ(matches("\\s", "\u180e"), Strings{});
  EXPECT_EQ(matches("\\S+", "a\u2028b"), (Strings{"a", "b"}));
}

TEST(Pattern, IgnoresCaseInsideItsGroup) {
  EXPECT_EQ(matches("(?i:'s|'ll)|x", "'S'Ll x X"), (Strings{"'S", "'Ll", "x"}));
  EXPECT_EQ(matches("a(?i)b|c", "aBaC C ab"), (Strings{"aB", "aC", "ab"}));
  EXPECT_EQ(matches("(?i:a(?-i:b))", "AB Ab"), Strings{"Ab"});
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
                                                       {"a{3,1}", "out of order"},
                                                       {"a{99999}", "too big"},
                                                       {"\\p{Klingon}", "Klingon"},
                                                       {"\\p{L", "\\p{NAME}"},
                                                       {"(?<name>a)", "unknown kind"},
                                                       {"(?<=a+)b", "lookbehind"},
                                                       {"(a)\\1", "unknown escape"},
                                                       {"\\K", "unknown escape"},
                                                       {"[z-a]", "backwards"},
                                                       {"[a&&]", "without members"},
                                                       {"[[:alpha:]]", "POSIX"},
                                                       {"\\x{110000}", "no such code point"},
                                                       {"(?:(?:(?:a{1,9}b){900}){900})", "too large"}};
  for (const auto& [expression, message] : cases) {
    SCOPED_TRACE(expression);
    fixtures::expect_user_error([&] { Pattern(expression, "where"); }, {"where", message});
  }
}

TEST(Pattern, GivesUpWhereAnExpressionExplodes) {
  const std::string text(60, 'a');
  fixtures::expect_user_error([&] { Pattern("(?:a|aa|a)*b|[xb]", "where").find(text, 0); },
                              {"where", "takes too long"});
  const std::string spaces(200'000, ' ');
  fixtures::expect_user_error([&] { Pattern("(?:\\s+\\s+)+[xy]", "where").find(spaces, 0); },
                              {"takes too long"});
}

// What takes no steps back takes no budget, however long: as it must for a file of one line.
TEST(Pattern, LongRunsAreNoExplosion) {
  const std::string spaces(300'000, ' ');
  const Pattern published("\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", "where");
  EXPECT_EQ(published.find(spaces + "a", 0)->end, spaces.size() - 1);
  std::string letters;
  for (int i = 0; i < 100'000; ++i) letters += "xe\u0301";
  EXPECT_EQ(Pattern("(?:\\p{L}\\p{M}*)+", "where").find(letters, 0)->end, letters.size());
}

}  // namespace
}  // namespace espalier
