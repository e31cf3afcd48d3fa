#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace espalier {

/// The whole file. Throws UserError when it is absent, a folder or not readable.
std::string read_file(const std::filesystem::path& file);

/// Writes atomically: temporary name in the same folder, fsync, rename. Throws UserError (full disk, no
/// permission) and leaves neither the temporary nor a half-written file.
void write_file(const std::filesystem::path& file, std::string_view content);

enum class IfExists { kFail, kOverwrite };
/// Creates `folder` for output. One that exists and is not empty is a UserError unless kOverwrite (which
/// leaves what is there in place; writers replace files one by one).
void create_output_folder(const std::filesystem::path& folder, IfExists if_exists);

}  // namespace espalier
