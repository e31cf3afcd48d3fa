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

}  // namespace espalier
