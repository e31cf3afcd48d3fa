#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// The hint where a field is not what it must be, and no more can be said.
inline constexpr const char* kCorrectField = "correct that field, or take the file anew from where it came";

constexpr int kMaxJsonDepth =
    64;  // no file of ours or of Hugging Face comes near; keeps hostile input off the stack

/// Parses strict JSON (RFC 8259, UTF-8; no comments, no duplicate keys). Throws UserError
/// "SOURCE:LINE:COLUMN: ..." (1-based, columns in bytes).
nlohmann::json parse_json(std::string_view bytes, std::string_view source);

/// `parse_json` of a file's content under its path.
nlohmann::json read_json(const std::filesystem::path& file);

/// Indented by two, keys sorted, newline at the end: the same value gives the same bytes. Of strings, bytes
/// that are not UTF-8 (names of files may have such) become U+FFFD, and numbers that are not finite null:
/// JSON cannot hold them.
std::string dump_json(const nlohmann::json& value);

struct IntegerRange {
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};
struct NumberRange {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};

/// Reads the fields of one JSON object with their types and ranges. Every mistake is a UserError naming
/// source, field, what was found and what was expected. `finish` rejects keys that were never asked for.
///
///     JsonObject object(read_json(file), file.string());
///     const std::int64_t layer = object.integer("layer", {0, 1023});
///     const double scale = object.number("scale", {0.0, 10.0}, 1.0);
///     object.finish();
///
/// Fields with a fallback (or `find_`) treat null as absent, as Hugging Face files do.
class JsonObject {
 public:
  /// `path` is where in the file the object is, e.g. "layers[0]"; empty for the whole file. Keeps a copy.
  JsonObject(nlohmann::json value, std::string source, std::string path = {});

  bool has(std::string_view key);  ///< there and not null
  std::int64_t integer(std::string_view key, IntegerRange range = {});
  std::int64_t integer(std::string_view key, IntegerRange range, std::int64_t fallback);
  double number(std::string_view key, NumberRange range = {});
  double number(std::string_view key, NumberRange range, double fallback);
  bool boolean(std::string_view key);
  bool boolean(std::string_view key, bool fallback);
  std::string string(std::string_view key);
  std::string string(std::string_view key, std::string_view fallback);
  std::vector<std::int64_t> integers(std::string_view key, IntegerRange range = {});
  std::vector<double> numbers(std::string_view key, NumberRange range = {});
  std::vector<std::string> strings(std::string_view key);
  JsonObject object(std::string_view key);
  std::vector<JsonObject> objects(std::string_view key);   ///< an array of objects
  const nlohmann::json& value(std::string_view key);       ///< required, of any type
  const nlohmann::json* find_value(std::string_view key);  ///< nullptr when absent or null

  /// Checks the field "format" against "espalier.KIND/VERSION".
  void expect_format(std::string_view kind, int version);
  /// Throws UserError for the first key that no call above has named, with the nearest one that was.
  void finish() const;
  /// Throws UserError "SOURCE: FIELD: MESSAGE".
  [[noreturn]] void fail(std::string_view key, std::string_view message,
                         std::string hint = kCorrectField) const;

 private:
  std::string field(std::string_view key) const;
  [[noreturn]] void wrong_type(std::string_view key, const nlohmann::json& found,
                               std::string_view expected) const;

  nlohmann::json value_;
  std::string source_;
  std::string path_;
  std::vector<std::string> asked_;
};

}  // namespace espalier
