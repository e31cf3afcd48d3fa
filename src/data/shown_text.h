#pragma once

#include <string>
#include <string_view>

namespace espalier {

/// A piece of a user's file for an error message: on one line, control characters as \x1b, the first 60
/// bytes.
std::string shown_text(std::string_view utf8);

}  // namespace espalier
