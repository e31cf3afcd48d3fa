#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// Insertions, deletions, substitutions and swaps of neighbours that turn one name into the other
/// (optimal string alignment), in bytes.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name of `names` closest to `name`, the first of equals, if it is close enough to be meant: at most a
/// third of the longer one's length (and at least 2) away.
std::optional<std::string_view> nearest(std::string_view name, std::span<const std::string_view> names);

/// "did you mean X?", or the whole list if nothing is close: "known: A, B, C". Empty for no names.
std::string suggestion(std::string_view name, std::span<const std::string_view> names);

/// Throws UserError `WHAT: there is no "NAME"` with the suggestion.
[[noreturn]] void fail_unknown(std::string_view what, std::string_view name,
                               std::span<const std::string_view> names);

/// The row of a table with that `name`. Throws UserError that begins with `what` and suggests the nearest.
template <typename Row>
const Row& find_named(std::span<const Row> table, std::string_view what, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Row& row : table) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  fail_unknown(what, name, names);
}

}  // namespace espalier
