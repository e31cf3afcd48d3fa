#include "data/shown_text.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

TEST(ShownText, IsShortAndOnOneLine) {
  EXPECT_EQ(shown_text("caf\u00e9 \"x\""), "caf\u00e9 \"x\"");
  EXPECT_EQ(shown_text("a\nb\x1b[0m\x7f\xff"), "a\\x0ab\\x1b[0m\\x7f\\xff");
  EXPECT_EQ(shown_text(std::string(60, 'x')), std::string(60, 'x'));
  EXPECT_EQ(shown_text(std::string(61, 'x')), std::string(60, 'x') + "...");
  EXPECT_EQ(shown_text(std::string(59, 'x') + "\u00e9"), std::string(59, 'x') + "...")
      << "characters stay whole";
}

}  // namespace
}  // namespace espalier
