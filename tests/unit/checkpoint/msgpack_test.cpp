#include "checkpoint/msgpack.h"

#include <gtest/gtest.h>

#include "unit/base/user_error.h"
#include "written_vmoe.h"

namespace espalier {
namespace {

using namespace testing;

MsgpackValue parse(const std::string& text) {
  static std::string kept;  // values look at the bytes
  kept = text;
  return parse_msgpack(std::as_bytes(std::span(kept)), "a.index");
}

std::int64_t number(const std::string& text) {
  return parse(text).integer("n");
}

TEST(Msgpack, WholeNumbersOfEveryWidth) {
  EXPECT_EQ(number("\x7F"), 127);
  EXPECT_EQ(number("\xFF"), -1);
  EXPECT_EQ(number("\xE0"), -32);
  EXPECT_EQ(number("\xCC\xFF"), 255);
  EXPECT_EQ(number("\xCD" + big_endian(65535, 2)), 65535);
  EXPECT_EQ(number("\xCE" + big_endian(4294967295U, 4)), 4294967295);
  EXPECT_EQ(number("\xD0\x80"), -128);
  EXPECT_EQ(number("\xD1" + big_endian(0x8000U, 2)), -32768);
  EXPECT_EQ(number("\xD2" + big_endian(0xFFFFFFFEU, 4)), -2);
  EXPECT_EQ(number("\xD3" + big_endian(~0ULL, 8)), -1);
}

TEST(Msgpack, OtherValues) {
  EXPECT_EQ(std::get<double>(parse("\xCB" + big_endian(0x3FF8000000000000ULL, 8)).value), 1.5);
  EXPECT_EQ(std::get<double>(parse("\xCA" + big_endian(0x3FC00000U, 4)).value), 1.5);
  EXPECT_EQ(parse("\xA3"
                  "abc")
                .text("t"),
            "abc");
  EXPECT_EQ(parse(packed_text("abc")).text("t"), "abc");
  EXPECT_EQ(parse(packed_bytes("abc")).text("t"), "abc");
  EXPECT_TRUE(std::get<bool>(parse("\xC3").value));
  EXPECT_TRUE(std::holds_alternative<MsgpackValue::Nil>(parse("\xC0").value));
  const auto list = parse("\x92\x01\x02");
  EXPECT_EQ(list.array("l").size(), 2U);
  const auto map = parse(packed_map({{"a", packed(1)}, {"b", packed_array({packed(300)})}}));
  EXPECT_EQ(map.map("m").at("b").array("l")[0].integer("n"), 300);
  const auto extension = parse(packed_extension(8, "xyz"));
  ASSERT_NE(extension.find_extension(), nullptr);
  EXPECT_EQ(extension.find_extension()->type, 8);
  EXPECT_EQ(extension.find_extension()->bytes.size(), 3U);
  EXPECT_EQ(parse("\xD4\x05z").find_extension()->type, 5);
}

TEST(Msgpack, EveryCutIsAUserError) {
  const std::string whole =
      packed_map({{"a", packed_extension(1, "bytes")}, {"b", packed_array({packed(1), packed_text("t")})}});
  for (std::size_t size = 0; size < whole.size(); ++size)
    expect_user_error([&] { parse(whole.substr(0, size)); }, {"a.index: MessagePack, byte", "cut short"});
}

TEST(Msgpack, DamageIsAUserError) {
  expect_user_error([] { parse("\xC1"); }, {"0xC1 begins no value"});
  expect_user_error([] { parse(std::string("\x01\x02")); }, {"1 bytes follow the value"});
  expect_user_error([] { parse("\x81\x01\x02"); }, {"a key that is no string"});
  expect_user_error([] { parse(packed_map({{"a", packed(1)}, {"a", packed(2)}})); }, {"the key a twice"});
  expect_user_error([] { parse("\xCF" + big_endian(~0ULL, 8)); }, {"past 2^63"});
  expect_user_error([] { parse(std::string(100, '\x91')); }, {"nested deeper than 64"});
  expect_user_error([] { parse("\xDD" + big_endian(0xFFFFFFFFU, 4)); }, {"cut short"});
  expect_user_error([] { parse("\x01").map("the root"); }, {"the root: expected a map"});
}

}  // namespace
}  // namespace espalier
