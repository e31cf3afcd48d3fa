#include "base/toml_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/foreign_file.h"
#include "base/nearest.h"

#define TOML_HEADER_ONLY 1  // Debian's pkg-config asks for the shared library
#include <toml++/toml.h>

namespace espalier {

struct TomlTable::Node {
  std::shared_ptr<const toml::table> root;  // keeps `table` alive
  const toml::table* table;
  std::string source, path;  // path: "settings.moe." before its keys

  const toml::node& at(std::string_view key) const {
    if (const auto* node = table->get(key)) return *node;
    throw UserError(fmt::format("{}: the key {}{} is missing", source, path, key),
                    fmt::format("add a line {} = ..", key));
  }
};

namespace {

std::string_view kind_of(const toml::node& node) {
  if (node.is_table()) return "a table";
  if (node.is_array()) return "a list";
  if (node.is_string()) return "a string";
  if (node.is_number()) return "a number";
  if (node.is_boolean()) return "true or false";
  return "a date or time";
}

/// A number or string as a word of the command line.
std::optional<std::string> word_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::to_string(number->get());
  if (const auto* number = node.as_floating_point()) {
    const auto text = fmt::to_string(number->get());
    const bool whole = text.find_first_not_of("-0123456789") == std::string::npos;
    return whole ? text + ".0" : text;  // 1.0 is a share, 1 a count
  }
  return std::nullopt;
}

/// No file of ours comes near; the parser takes memory with the square of a key's depth.
constexpr int kMaxKeyParts = 64;

/// Looks at keys and headers alone: up to the first =, quoted parts count as one.
void check_key_depth(std::string_view bytes, std::string_view source) {
  int line = 1, dots = 0;
  char quote = 0;
  bool in_key = true;
  for (const char c : bytes) {
    if (c == '\n') {
      ++line, dots = 0, quote = 0, in_key = true;
    } else if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '=' || c == '#' || c == ',') {
      in_key = c == ',';
      dots = 0;
    } else if (in_key && c == '.' && ++dots >= kMaxKeyParts) {
      throw UserError(fmt::format("{}:{}: a key of more than {} parts", source, line, kMaxKeyParts),
                      "keys are spelt as options are, under tables one or two deep");
    }
  }
}

}  // namespace

TomlTable TomlTable::parse(std::string_view bytes, std::string_view source) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);  // Windows' editors begin so
  refuse_foreign_or_page(bytes, source);
  check_key_depth(bytes, source);
  try {
    auto root = std::make_shared<const toml::table>(toml::parse(bytes, source));
    const auto* table = root.get();
    return TomlTable(std::make_shared<const Node>(Node{std::move(root), table, std::string(source), ""}));
  } catch (const toml::parse_error& error) {
    std::string what(error.description());
    std::replace(what.begin(), what.end(), '\n', ' ');
    throw UserError(fmt::format("{}:{}:{}: not valid TOML: {}", source, error.source().begin.line,
                                error.source().begin.column, what),
                    "a line is KEY = VALUE, texts in quotes, under a [SECTION]");
  }
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::pair<toml::source_position, std::string>> placed;
  for (const auto& [key, value] : *node_->table)
    placed.emplace_back(key.source().begin, std::string(key.str()));
  std::stable_sort(placed.begin(), placed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (auto& [position, name] : placed) names.push_back(std::move(name));
  return names;
}

bool TomlTable::has(std::string_view key) const {
  return node_->table->contains(key);
}

std::string TomlTable::string(std::string_view key) const {
  const auto& node = node_->at(key);
  if (const auto* text = node.as_string()) return text->get();
  fail(key, fmt::format("found {}, expected a string", kind_of(node)));
}

std::vector<std::string> TomlTable::strings(std::string_view key) const {
  const auto& node = node_->at(key);
  if (!node.is_array()) return {string(key)};
  std::vector<std::string> texts;
  for (const auto& item : *node.as_array()) {
    const auto* text = item.as_string();
    if (text == nullptr) fail(key, fmt::format("found {} in the list, expected strings", kind_of(item)));
    texts.push_back(text->get());
  }
  return texts;
}

std::vector<std::uint64_t> TomlTable::numbers(std::string_view key) const {
  const auto& node = node_->at(key);
  if (!node.is_array()) fail(key, fmt::format("found {}, expected a list of whole numbers", kind_of(node)));
  std::vector<std::uint64_t> numbers;
  for (const auto& item : *node.as_array()) {
    const auto* number = item.as_integer();
    if (number == nullptr || number->get() < 0)
      fail(key, fmt::format("found {} in the list, expected whole numbers from 0 on",
                            number == nullptr ? std::string(kind_of(item)) : fmt::to_string(number->get())));
    numbers.push_back(static_cast<std::uint64_t>(number->get()));
  }
  return numbers;
}

std::uint64_t TomlTable::number(std::string_view key) const {
  const auto& node = node_->at(key);
  const auto* number = node.as_integer();
  if (number == nullptr || number->get() < 0)
    fail(key, fmt::format("found {}, expected a whole number from 0 on",
                          number == nullptr ? std::string(kind_of(node)) : fmt::to_string(number->get())));
  return static_cast<std::uint64_t>(number->get());
}

TomlTable TomlTable::table(std::string_view key) const {
  const auto& node = node_->at(key);
  if (!node.is_table())
    fail(key, fmt::format("found {}, expected a table [{}{}]", kind_of(node), node_->path, key));
  return TomlTable(std::make_shared<const Node>(
      Node{node_->root, node.as_table(), node_->source, fmt::format("{}{}.", node_->path, key)}));
}

std::optional<bool> TomlTable::boolean(std::string_view key) const {
  const auto* value = node_->at(key).as_boolean();
  return value == nullptr ? std::nullopt : std::optional(value->get());
}

std::vector<std::string> TomlTable::words(std::string_view key) const {
  const auto& node = node_->at(key);
  std::vector<std::string> words;
  const auto add = [&](const toml::node& item) {
    auto word = word_of(item);
    if (!word) fail(key, fmt::format("found {}, expected a string or a number", kind_of(item)));
    words.push_back(std::move(*word));
  };
  if (!node.is_array())
    add(node);
  else
    for (const auto& item : *node.as_array()) add(item);
  return words;
}

bool TomlTable::is_list(std::string_view key) const {
  return node_->at(key).is_array();
}

bool TomlTable::is_table(std::string_view key) const {
  return node_->at(key).is_table();
}

void TomlTable::check_keys(const std::vector<std::string>& known) const {
  const std::vector<std::string_view> names(known.begin(), known.end());
  for (const auto& key : keys())
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail(key, "unknown key", suggestion(key, names));
}

void TomlTable::fail(std::string_view key, std::string_view message, std::string hint) const {
  const auto* node = node_->table->get(key);
  const auto where =
      node == nullptr ? node_->source : fmt::format("{}:{}", node_->source, node->source().begin.line);
  throw UserError(fmt::format("{}: {}{}: {}", where, node_->path, key, message), std::move(hint));
}

}  // namespace espalier
