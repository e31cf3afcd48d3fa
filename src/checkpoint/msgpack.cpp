#include "checkpoint/msgpack.h"

#include <fmt/format.h>

#include <bit>

#include "base/error.h"

namespace espalier {
namespace {

constexpr int kDeepest = 64;

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, std::string_view where) : bytes_(bytes), where_(where) {}

  MsgpackValue whole() {
    MsgpackValue value = next(0);
    if (at_ != bytes_.size()) fail(fmt::format("{} bytes follow the value", bytes_.size() - at_));
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw UserError(fmt::format("{}: MessagePack, byte {}: {}", where_, at_, what),
                    "the file is damaged, cut short, or of another format");
  }

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail("the file is cut short");
    const auto taken = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return taken;
  }

  std::uint64_t unsigned_number(std::size_t width) {
    std::uint64_t number = 0;
    for (const std::byte byte : take(width)) number = number << 8 | std::to_integer<std::uint64_t>(byte);
    return number;
  }

  std::int64_t whole_number(std::size_t width) {
    const std::uint64_t number = unsigned_number(width);
    if (number > static_cast<std::uint64_t>(INT64_MAX)) fail("a whole number past 2^63");
    return static_cast<std::int64_t>(number);
  }

  std::int64_t signed_number(std::size_t width) {
    const auto shift = static_cast<unsigned>(64 - 8 * width);
    return static_cast<std::int64_t>(unsigned_number(width) << shift) >> shift;
  }

  std::string_view text(std::uint64_t size) {
    const auto taken = take(size);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

  MsgpackValue array(std::uint64_t size, int depth) {
    if (size > bytes_.size() - at_) fail("the file is cut short");  // an element takes a byte
    MsgpackValue::Array values;
    for (std::uint64_t i = 0; i < size; ++i) values.push_back(next(depth + 1));
    return {std::move(values)};
  }

  MsgpackValue map(std::uint64_t size, int depth) {
    MsgpackValue::Map values;
    for (std::uint64_t i = 0; i < size; ++i) {
      const MsgpackValue key = next(depth + 1);
      const auto* name = std::get_if<std::string_view>(&key.value);
      if (name == nullptr) fail("a key that is no string");
      if (!values.emplace(std::string(*name), next(depth + 1)).second)
        fail(fmt::format("the key {} twice", *name));
    }
    return {std::move(values)};
  }

  MsgpackValue extension(std::uint64_t size) {
    const auto type = static_cast<std::int8_t>(signed_number(1));
    return {MsgpackValue::Extension{type, take(size)}};
  }

  MsgpackValue next(int depth) {
    if (depth > kDeepest) fail(fmt::format("nested deeper than {}", kDeepest));
    const auto head = static_cast<unsigned>(unsigned_number(1));
    if (head < 0x80) return {static_cast<std::int64_t>(head)};
    if (head < 0x90) return map(head & 0x0FU, depth);
    if (head < 0xA0) return array(head & 0x0FU, depth);
    if (head < 0xC0) return {text(head & 0x1FU)};
    if (head >= 0xE0) return {static_cast<std::int64_t>(head) - 256};
    return by_head(head, depth);
  }

  MsgpackValue by_head(unsigned head, int depth) {
    switch (head) {
      case 0xC0:
        return {MsgpackValue::Nil{}};
      case 0xC2:
        return {false};
      case 0xC3:
        return {true};
      case 0xC4:
      case 0xC5:
      case 0xC6:
        return {take(unsigned_number(std::size_t{1} << (head - 0xC4)))};
      case 0xC7:
      case 0xC8:
      case 0xC9:
        return extension(unsigned_number(std::size_t{1} << (head - 0xC7)));
      case 0xCA:
        return {static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(unsigned_number(4))))};
      case 0xCB:
        return {std::bit_cast<double>(unsigned_number(8))};
      case 0xCC:
      case 0xCD:
      case 0xCE:
      case 0xCF:
        return {whole_number(std::size_t{1} << (head - 0xCC))};
      case 0xD0:
      case 0xD1:
      case 0xD2:
      case 0xD3:
        return {signed_number(std::size_t{1} << (head - 0xD0))};
      case 0xD4:
      case 0xD5:
      case 0xD6:
      case 0xD7:
      case 0xD8:
        return extension(std::uint64_t{1} << (head - 0xD4));
      case 0xD9:
      case 0xDA:
      case 0xDB:
        return {text(unsigned_number(std::size_t{1} << (head - 0xD9)))};
      case 0xDC:
      case 0xDD:
        return array(unsigned_number(std::size_t{2} << (head - 0xDC)), depth);
      case 0xDE:
      case 0xDF:
        return map(unsigned_number(std::size_t{2} << (head - 0xDE)), depth);
      default:
        fail(fmt::format("0x{:02X} begins no value", head));
    }
  }

  const std::span<const std::byte> bytes_;
  const std::string_view where_;
  std::size_t at_ = 0;
};

[[noreturn]] void wrong_type(std::string_view where, std::string_view expected) {
  throw UserError(fmt::format("{}: expected {}", where, expected), "the file is of another format");
}

template <typename Type>
const Type& expect(const MsgpackValue& value, std::string_view where, std::string_view expected) {
  const auto* found = std::get_if<Type>(&value.value);
  if (found == nullptr) wrong_type(where, expected);
  return *found;
}

}  // namespace

const MsgpackValue::Map& MsgpackValue::map(std::string_view where) const {
  return expect<Map>(*this, where, "a map");
}

const MsgpackValue::Array& MsgpackValue::array(std::string_view where) const {
  return expect<Array>(*this, where, "an array");
}

std::int64_t MsgpackValue::integer(std::string_view where) const {
  return expect<std::int64_t>(*this, where, "a whole number");
}

std::span<const std::byte> MsgpackValue::bytes(std::string_view where) const {
  if (const auto* string = std::get_if<std::string_view>(&value)) return std::as_bytes(std::span(*string));
  return expect<std::span<const std::byte>>(*this, where, "bytes");
}

std::string MsgpackValue::text(std::string_view where) const {
  const auto found = bytes(where);
  return {reinterpret_cast<const char*>(found.data()), found.size()};
}

MsgpackValue parse_msgpack(std::span<const std::byte> bytes, std::string_view where) {
  return Parser(bytes, where).whole();
}

}  // namespace espalier
