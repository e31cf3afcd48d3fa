#include "surgery/protobuf_bytes.h"

#include <bit>

namespace espalier {
namespace {

// https://protobuf.dev/programming-guides/encoding
constexpr int kVarint = 0, kLengthDelimited = 2, kFixed32 = 5;

}  // namespace

void ProtobufBytes::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
  bytes_.push_back(static_cast<char>(value));
}

void ProtobufBytes::key(int field, int wire_type) {
  varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire_type));
}

ProtobufBytes& ProtobufBytes::integer(int field, std::int64_t value) {
  key(field, kVarint);
  varint(static_cast<std::uint64_t>(value));
  return *this;
}

ProtobufBytes& ProtobufBytes::number(int field, float value) {
  key(field, kFixed32);
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) bytes_.push_back(static_cast<char>(bits >> shift));
  return *this;
}

ProtobufBytes& ProtobufBytes::opening(int field, std::uint64_t bytes) {
  key(field, kLengthDelimited);
  varint(bytes);
  return *this;
}

ProtobufBytes& ProtobufBytes::text(int field, std::string_view value) {
  opening(field, value.size());
  bytes_ += value;
  return *this;
}

ProtobufBytes& ProtobufBytes::integers(int field, std::span<const std::int64_t> values) {
  for (const auto value : values) integer(field, value);
  return *this;
}

}  // namespace espalier
