#include "surgery/protobuf_bytes.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

// The examples of https://protobuf.dev/programming-guides/encoding.
TEST(ProtobufBytes, AreThoseOfTheGuide) {
  EXPECT_EQ(ProtobufBytes().integer(1, 150).bytes(), "\x08\x96\x01");
  EXPECT_EQ(ProtobufBytes().text(2, "testing").bytes(), "\x12\x07testing");
  EXPECT_EQ(ProtobufBytes().message(3, ProtobufBytes().integer(1, 150)).bytes(), "\x1a\x03\x08\x96\x01");
  EXPECT_EQ(ProtobufBytes().integer(1, -2).bytes(), "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  EXPECT_EQ(ProtobufBytes().number(1, 1.5F).bytes(), std::string("\x0d\0\0\xc0\x3f", 5));
  const std::int64_t values[] = {3, 270};
  EXPECT_EQ(ProtobufBytes().integers(8, values).bytes(), "\x40\x03\x40\x8e\x02");
  EXPECT_EQ(ProtobufBytes().opening(5, 300).bytes(), "\x2a\xac\x02");
}

}  // namespace
}  // namespace espalier
