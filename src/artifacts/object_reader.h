#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// Parses JSON strictly: one value, no key twice in an object, nested at most 64 deep. Throws UserError that
/// begins with `where` (a file, or "file:line") and says what is wrong at which byte.
nlohmann::json parse_json(std::string_view text, std::string_view where);

/// Reads the fields of one JSON object. Every getter throws UserError naming `where` and the key when the
/// value has another type or is out of range; `finish` throws when a key is left that nobody asked for,
/// naming the nearest one that exists.
class ObjectReader {
 public:
  /// `value` must outlive the reader.
  ObjectReader(const nlohmann::json& value, std::string_view where);

  /// Checks `"format": "espalier.<kind>/1"`.
  void format(std::string_view kind);

  const nlohmann::json* find(std::string_view key);  ///< null when absent
  const nlohmann::json& value(std::string_view key);

  std::string text(std::string_view key);
  std::int64_t integer(std::string_view key, std::int64_t least = 0,
                       std::int64_t most = std::numeric_limits<std::int64_t>::max());
  std::uint64_t whole(std::string_view key);  ///< 0 to 2^64 - 1
  double number(std::string_view key);        ///< null reads as NaN
  std::vector<std::string> texts(std::string_view key);
  const nlohmann::json& array(std::string_view key);

  /// A string, number or object field that may be absent.
  std::optional<std::string> optional_text(std::string_view key);
  std::optional<std::uint64_t> optional_whole(std::string_view key);
  std::optional<double> optional_number(std::string_view key);

  void finish() const;
  /// Throws the UserError "<where>: "key" is <found>, expected <expected>".
  [[noreturn]] void wrong(std::string_view key, std::string_view expected) const;

  const std::string& where() const { return where_; }

 private:
  const nlohmann::json* object_;
  std::string where_;
  std::vector<std::string> asked_;
};

/// A finite double as a number, any other as null.
nlohmann::ordered_json number_or_null(double value);
/// A number, or null as NaN; nothing for another type.
std::optional<double> as_number(const nlohmann::json& value);

/// JSON text; bytes that are not UTF-8 become U+FFFD. `indent` -1 gives one line.
std::string to_text(const nlohmann::ordered_json& value, int indent);

}  // namespace espalier
