#pragma once

#include <span>
#include <string>

namespace espalier {

/// A command as a shell reads it: one line, words quoted where they need it.
std::string shell_command(std::span<const std::string> words);

}  // namespace espalier
