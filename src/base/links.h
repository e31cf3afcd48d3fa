#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace espalier {

/// Whether `path` is a link to what is not there, as caches that were not fetched whole hold them.
inline bool is_dangling(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_symlink(path, error) && !std::filesystem::exists(path, error);
}

/// There, or a link to nothing: what is optional may be absent, but such a link was meant to be something.
inline bool is_named(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) || is_dangling(path);
}

/// Throws UserError for a link to nothing.
inline void refuse_dangling(const std::filesystem::path& path) {
  if (!is_dangling(path)) return;
  std::error_code error;
  throw UserError(
      path.string() + ": a link to nothing (" + std::filesystem::read_symlink(path, error).string() + ")",
      "fetch what it points to, or copy the file itself");
}

/// Throws UserError for an input that is not there, before work that would need it in the end.
inline void expect_input(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) return;
  refuse_dangling(path);
  throw UserError(path.string() + ": no such file", "check the path");
}

}  // namespace espalier
