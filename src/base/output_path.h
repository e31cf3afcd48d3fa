#pragma once

#include <filesystem>
#include <string_view>

namespace espalier {

/// What a path to write to stands for: symbolic links are followed, to a file or folder that need not exist,
/// but not into /proc, where /dev/stdout leads. Throws UserError for links in a circle.
std::filesystem::path follow_links(std::filesystem::path path);

/// What `path` stands for, absolute and without a separator at the end, so that two names of one folder are
/// the same and a suffix can be put behind.
std::filesystem::path settled_path(const std::filesystem::path& path);

/// A descriptor that writes to `file` as it is, where that is a device, a FIFO or what this process has open
/// (/dev/stdout); -1 for regular files and names that are free, which are replaced as a whole. A FIFO
/// that nobody reads yet is waited for. Throws UserError where it may not be written to, Interrupted.
int open_as_it_is(const std::filesystem::path& file);

/// Whether `file` is a device, a FIFO or the like: nothing can lie beside it.
bool is_special_file(const std::filesystem::path& file);

/// Whether `name` is one part of a path and stays where it is put: not empty, "." or "..", without a
/// separator or NUL. Names that come from files (grids, indices, figures) become files and folders only when
/// they are.
bool is_plain_file_name(std::string_view name);

}  // namespace espalier
