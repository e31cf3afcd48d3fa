#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace espalier {

/// A value of MessagePack (msgpack.org, specification of 2013). Byte strings and extensions look at the bytes
/// that were parsed, which outlive the value.
struct MsgpackValue {
  struct Nil {};
  struct Extension {
    std::int8_t type = 0;
    std::span<const std::byte> bytes;
  };
  using Array = std::vector<MsgpackValue>;
  using Map = std::map<std::string, MsgpackValue>;  ///< keys that are strings, as flax writes them

  std::variant<Nil, bool, std::int64_t, double, std::string_view, std::span<const std::byte>, Array, Map,
               Extension>
      value;

  /// Each throws UserError naming `where` when the value is of another type.
  const Map& map(std::string_view where) const;
  const Array& array(std::string_view where) const;
  std::int64_t integer(std::string_view where) const;
  std::span<const std::byte> bytes(std::string_view where) const;  ///< also of a string
  std::string text(std::string_view where) const;                  ///< also of bytes
  const Map* find_map() const { return std::get_if<Map>(&value); }
  const Extension* find_extension() const { return std::get_if<Extension>(&value); }
};

/// Parses one value, which takes all bytes. Throws UserError beginning with `where` and naming the byte: cut
/// short, nested deeper than 64, keys that are no strings or twice there, whole numbers past 2^63, bytes left
/// over.
MsgpackValue parse_msgpack(std::span<const std::byte> bytes, std::string_view where);

}  // namespace espalier
