#pragma once

#include <string>
#include <string_view>

namespace espalier {

/// Opens what of standard input, output and error is closed, so that no file of ours gets its number; writing
/// to it fails as before.
void open_standard_streams();

/// Writes to standard error. One that is closed, full, or a pipe that nobody reads is no reason to stop.
void write_error_stream(std::string_view text);

/// One line that a terminal shows as it is: control characters, of the ASCII and of the Latin-1 range, and
/// bytes that are not UTF-8 are spelt "\x1b".
std::string printable(std::string_view text);

}  // namespace espalier
