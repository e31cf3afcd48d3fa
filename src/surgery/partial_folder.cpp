#include "surgery/partial_folder.h"

#include <fmt/format.h>

#include <vector>

#include "base/error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr const char* kState = ".espalier-apply";

/// Absolute, without a separator at the end.
fs::path normal(const fs::path& path) {
  const fs::path result = fs::absolute(path).lexically_normal();
  return result.has_filename() ? result : result.parent_path();
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

bool is_of_a_model(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.starts_with("model") &&
         (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json"));
}

/// All files below `folder`, relative to it.
std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_directory()) files.push_back(entry.path().lexically_relative(folder));
  }
  return files;
}

void move_into(const fs::path& partial, const fs::path& out) {
  fs::remove(out / "config.json");
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(out)) {
    if (is_of_a_model(entry.path())) old.push_back(entry.path());
  }
  for (const fs::path& file : old) fs::remove(file);
  for (const fs::path& file : files_below(partial)) {
    if (file == "config.json") continue;
    fs::create_directories((out / file).parent_path());
    fs::rename(partial / file, out / file);
  }
  fs::rename(partial / "config.json", out / "config.json");
  fs::remove_all(partial);
}

FolderLock locked(const fs::path& partial) {
  FolderLock lock(partial, LockHolders::kProcess);
  if (!lock.try_lock())
    throw UserError(fmt::format("{}: another process is writing there", partial.string()),
                    "wait for it, or name another output folder");
  return lock;
}

}  // namespace

void check_output(const fs::path& out, const fs::path& input, IfExists if_exists) {
  const fs::path to = fs::weakly_canonical(normal(out)), from = fs::weakly_canonical(normal(input));
  if (lies_in(to, from) || lies_in(from, to))
    throw UserError(fmt::format("{}: the output folder is, holds or lies in the model's folder {}",
                                out.string(), input.string()),
                    "name another output folder");
  std::error_code error;
  const fs::file_status status = fs::status(out, error);
  if (!fs::exists(status)) return;
  if (!fs::is_directory(status))
    throw UserError(fmt::format("{}: is a file, expected a folder to write to", out.string()),
                    "name another output folder");
  if (!fs::is_empty(out, error) && if_exists == IfExists::kFail)
    throw UserError(fmt::format("{}: the output folder exists and is not empty", out.string()),
                    "name another folder, or pass --overwrite");
}

PartialFolder open_partial(const fs::path& out, std::string_view fingerprint, const NoteSink& note) {
  fs::path partial = normal(out);
  partial += ".partial";
  std::error_code error;
  if (fs::exists(fs::symlink_status(partial, error))) {
    if (!fs::is_directory(fs::symlink_status(partial, error)) || !fs::exists(partial / kState, error))
      throw UserError(fmt::format("{}: is in the way: the result is written there until it is complete",
                                  partial.string()),
                      "remove it, or name another output folder");
    FolderLock lock = locked(partial);
    if (read_file(partial / kState) == fingerprint) return {partial, std::move(lock)};
    if (note) note(fmt::format("{}: left by other work; starting anew", partial.string()));
    fs::remove_all(partial);
  }
  fs::create_directories(partial, error);
  if (error) throw UserError(fmt::format("{}: cannot be created: {}", partial.string(), error.message()));
  FolderLock lock = locked(partial);
  write_file(partial / kState, fingerprint);
  return {partial, std::move(lock)};
}

void finish_partial(const fs::path& partial, const fs::path& out_folder) {
  const fs::path out = normal(out_folder);
  fs::remove(partial / kState);
  std::error_code error;
  if (fs::is_directory(out, error) && !fs::is_empty(out, error)) {
    move_into(partial, fs::canonical(out));
    return;
  }
  if (fs::is_symlink(fs::symlink_status(out, error))) {  // a link to an empty folder: fill that
    move_into(partial, fs::canonical(out));
    return;
  }
  fs::rename(partial, out);
}

}  // namespace espalier
