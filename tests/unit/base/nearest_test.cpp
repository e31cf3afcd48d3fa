#include "base/nearest.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

TEST(Nearest, EditDistance) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("form", "from"), 1U);  // a swap is one mistake
  EXPECT_EQ(edit_distance("num_expert", "num_experts"), 1U);
}

TEST(Nearest, TheClosestNameIfOneIsClose) {
  const std::vector<std::string_view> names{"seed", "threads", "text"};
  EXPECT_EQ(nearest("thread", names), "threads");
  EXPECT_EQ(nearest("sede", names), "seed");
  EXPECT_EQ(nearest("vocabulary", names), std::nullopt);
  EXPECT_EQ(nearest("x", {}), std::nullopt);
}

TEST(Nearest, SuggestionOrTheList) {
  const std::vector<std::string_view> names{"seed", "threads"};
  EXPECT_EQ(suggestion("thread", names), "did you mean threads?");
  EXPECT_EQ(suggestion("vocabulary", names), "known: seed, threads");
  EXPECT_NE(suggestion("x", {}), "");
}

}  // namespace
}  // namespace espalier
