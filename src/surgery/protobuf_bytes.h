#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace espalier {

/// A message in Protocol Buffers' wire format, field after field, by the numbers that its .proto file gives.
class ProtobufBytes {
 public:
  ProtobufBytes& integer(int field, std::int64_t value);
  ProtobufBytes& number(int field, float value);
  ProtobufBytes& text(int field, std::string_view value);
  ProtobufBytes& integers(int field, std::span<const std::int64_t> values);  ///< unpacked
  ProtobufBytes& message(int field, const ProtobufBytes& value) { return text(field, value.bytes()); }
  /// Only the beginning of a field whose `bytes` bytes come after.
  ProtobufBytes& opening(int field, std::uint64_t bytes);

  const std::string& bytes() const { return bytes_; }

 private:
  void key(int field, int wire_type);
  void varint(std::uint64_t value);

  std::string bytes_;
};

}  // namespace espalier
