#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// A table of a TOML file. Every mistake is a UserError "SOURCE:LINE: KEY: what was found, what was
/// expected". Hides the TOML library, whose header is large.
class TomlTable {
 public:
  /// Throws UserError "SOURCE:LINE:COLUMN: not valid TOML: ..".
  static TomlTable parse(std::string_view bytes, std::string_view source);

  /// In the order of the file.
  std::vector<std::string> keys() const;
  bool has(std::string_view key) const;

  std::string string(std::string_view key) const;
  std::vector<std::string> strings(std::string_view key) const;    ///< one string or a list
  std::vector<std::uint64_t> numbers(std::string_view key) const;  ///< a list of whole numbers from 0 on
  std::uint64_t number(std::string_view key) const;                ///< a whole number from 0 on
  TomlTable table(std::string_view key) const;
  /// Empty unless true or false.
  std::optional<bool> boolean(std::string_view key) const;
  /// A string or number, or a list of them, as words of a command line. 5e-4 is "0.0005".
  std::vector<std::string> words(std::string_view key) const;
  bool is_list(std::string_view key) const;
  bool is_table(std::string_view key) const;

  /// Throws UserError for the first key that is not among `known`, with the nearest one.
  void check_keys(const std::vector<std::string>& known) const;
  /// Throws UserError "SOURCE:LINE: KEY: MESSAGE".
  [[noreturn]] void fail(std::string_view key, std::string_view message,
                         std::string hint = "correct that line") const;

 private:
  struct Node;
  explicit TomlTable(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  std::shared_ptr<const Node> node_;
};

}  // namespace espalier
