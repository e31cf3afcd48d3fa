#include "text/unicode.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "text/utf8.h"

namespace espalier {
namespace {

std::string lowered(std::uint32_t c) {
  std::string out;
  append_lower_case(out, c);
  return out;
}

TEST(Unicode, Categories) {
  EXPECT_EQ(general_category('A'), "Lu");
  EXPECT_EQ(general_category(0x0301), "Mn");
  EXPECT_EQ(general_category(0x0378), "Cn");
  EXPECT_EQ(general_category(0xE000), "Co");
  EXPECT_EQ(general_category(0x1F600), "So");
  EXPECT_EQ(combining_class(0x0301), 230);
  EXPECT_EQ(combining_class('a'), 0);
}

// The 25 of PropList.txt.
TEST(Unicode, WhiteSpaceIsTheProperty) {
  std::size_t spaces = 0;
  for (std::uint32_t c = 0; c < kCodePoints; ++c) spaces += is_white_space(c);
  EXPECT_EQ(spaces, 25u);
  for (const std::uint32_t c : {0x9u, 0xBu, 0x20u, 0x85u, 0xA0u, 0x1680u, 0x2028u, 0x3000u}) {
    EXPECT_TRUE(is_white_space(c)) << c;
  }
  EXPECT_FALSE(is_white_space(0x180E));
  EXPECT_FALSE(is_white_space(0x200B));
}

TEST(Unicode, WordCharactersAreThoseOfAnnexC) {
  for (const std::uint32_t c :
       {std::uint32_t{'a'}, 0x301u, 0x664u, 0x2167u, 0x24B6u, 0x1F170u, 0x203Fu, 0x200Du}) {
    EXPECT_TRUE(is_word_character(c)) << c;
  }
  for (const std::uint32_t c : {std::uint32_t{'-'}, 0xB2u, 0x1F600u, 0x200Bu})
    EXPECT_FALSE(is_word_character(c)) << c;
}

TEST(Unicode, Cases) {
  EXPECT_EQ(lowered(0x00C9), "\u00e9");
  EXPECT_EQ(lowered(0x0130), "i\u0307");
  EXPECT_EQ(lowered(0x03A3), "\u03c3");
  EXPECT_EQ(lowered(0x4E2D), "\u4e2d");
  EXPECT_EQ(title_case(0x01C6), 0x01C5u);
  EXPECT_EQ(title_case('a'), std::uint32_t{'A'});
}

TEST(Unicode, NormalForms) {
  EXPECT_EQ(normalized("xe\u0301y", NormalForm::kNfc), "x\u00e9y");
  EXPECT_EQ(normalized("x\u00e9y", NormalForm::kNfd), "xe\u0301y");
  EXPECT_EQ(normalized("\ufb01\u00b2", NormalForm::kNfkc), "fi2");
  EXPECT_EQ(normalized("\uac00", NormalForm::kNfkd), "\u1100\u1161");
  EXPECT_EQ(normalized("\u1100\u1161\u11a8", NormalForm::kNfc), "\uac01");
  EXPECT_EQ(normalized("a\u0301\u0323", NormalForm::kNfd), "a\u0323\u0301");
  EXPECT_EQ(normalized("\u0958", NormalForm::kNfc), "\u0915\u093c");  // excluded from composition
  EXPECT_EQ(normalized(std::string("\0\u00e9", 3), NormalForm::kNfd), std::string("\0e\u0301", 4));
  EXPECT_EQ(normalized("", NormalForm::kNfc), "");
}

}  // namespace
}  // namespace espalier
