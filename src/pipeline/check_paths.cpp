#include "pipeline/check_paths.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/links.h"
#include "base/nearest.h"
#include "checkpoint/folder_notes.h"

namespace espalier::pipeline {
namespace {

namespace fs = std::filesystem;

/// Names beside a path that is not there, for "did you mean".
std::string neighbours(const fs::path& path) {
  std::error_code error;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder, error))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  const std::string name = path.filename().string();
  const auto near = nearest(name, std::vector<std::string_view>(names.begin(), names.end()));
  return near ? fmt::format("did you mean {}?", (path.parent_path() / *near).string()) : "check the path";
}

void check_input(const options::Option& option, const fs::path& path) {
  std::error_code error;
  if (path.empty() || path == "-" || fs::exists(path, error)) return;
  refuse_dangling(path);
  const std::string name = option.positional ? "" : options::shown_name(option) + ": ";
  throw UserError(fmt::format("{}{}: no such file or folder", name, path.string()), neighbours(path));
}

/// The nearest folder above that is there.
fs::path existing_folder(fs::path path) {
  std::error_code error;
  do {
    path = path.parent_path();
  } while (!path.empty() && !fs::exists(path, error));
  return path.empty() ? fs::path(".") : path;
}

/// Verbs make the folders that they write into, but few make one around a file.
void check_output(const options::Option& option, const fs::path& path) {
  std::error_code error;
  const std::string name = options::shown_name(option);
  if (option.metavar == "FILE" && fs::is_directory(path, error))
    throw UserError(fmt::format("{}: {}: is a folder, expected a file to write", name, path.string()),
                    "name a file in it");
  if (path.empty() || fs::exists(path, error)) return;
  const fs::path folder = existing_folder(path);
  if (!fs::is_directory(folder, error))
    throw UserError(
        fmt::format("{}: {}: {} is a file, expected a folder", name, path.string(), folder.string()),
        "name another place");
  if (option.metavar == "FILE" && !option.makes_folder &&
      !fs::is_directory(path.has_parent_path() ? path.parent_path() : ".", error))
    throw UserError(
        fmt::format("{}: {}: there is no folder {}", name, path.string(), path.parent_path().string()),
        fmt::format("make it first: mkdir -p {}", path.parent_path().string()));
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    throw UserError(
        fmt::format("{}: {}: the folder {} cannot be written to", name, path.string(), folder.string()),
        "name another place, or change its permissions");
}

}  // namespace

void check_paths(const options::OptionTable& table, const RunContext& context) {
  for (const options::Option& option : table.all()) {
    if (option.kind != options::Kind::kPath || !option.given) continue;
    for (const fs::path path : option.words()) {
      if (option.written) {
        check_output(option, path);
        continue;
      }
      check_input(option, path);
      if (!context.note) continue;
      for (const std::string& line : folder_notes(path)) context.note(line);
    }
  }
}

}  // namespace espalier::pipeline
