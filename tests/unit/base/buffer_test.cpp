#include "base/buffer.h"

#include <gtest/gtest.h>

#include <numeric>
#include <utility>

namespace espalier {
namespace {

TEST(Buffer, IsAlignedAndMoves) {
  Buffer<float> buffer(100);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % Buffer<float>::kAlignment, 0U);
  std::iota(buffer.span().begin(), buffer.span().end(), 0.0F);
  const float* at = buffer.data();
  const Buffer<float> moved = std::move(buffer);
  EXPECT_EQ(moved.data(), at);
  EXPECT_EQ(moved[99], 99);
  EXPECT_TRUE(Buffer<float>().empty());
  EXPECT_EQ(Buffer<float>(0).data(), nullptr);
}

TEST(Buffer, MakesRoomOnlyWhereItHasTo) {
  Buffer<std::int32_t> buffer;
  std::int32_t* first = buffer.room(10);
  EXPECT_EQ(buffer.room(5), first);
  EXPECT_EQ(buffer.size(), 10);
  buffer.room(11);
  EXPECT_EQ(buffer.size(), 11);
}

}  // namespace
}  // namespace espalier
