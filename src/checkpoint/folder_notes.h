#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace espalier {

/// What stands in a checkpoint's folder and is not read, a line each: shards beside the file that is taken,
/// links to nothing. Nothing for what is no checkpoint's folder.
std::vector<std::string> folder_notes(const std::filesystem::path& folder);

}  // namespace espalier
