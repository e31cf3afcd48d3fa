#include "base/error.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace espalier {
namespace {

// Whoever refuses something says what to do about it; the program has no words of its own for that.
static_assert(std::is_constructible_v<UserError, std::string, std::string>);
static_assert(!std::is_constructible_v<UserError, std::string>);

TEST(UserError, SaysWhatIsWrongAndWhatToDo) {
  const UserError error("x.json: found 3, expected 4", "write 4");
  EXPECT_STREQ(error.what(), "x.json: found 3, expected 4");
  EXPECT_EQ(error.hint(), "write 4");
}

}  // namespace
}  // namespace espalier
