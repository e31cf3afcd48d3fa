#include "checkpoint/folder_notes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/links.h"
#include "checkpoint/shard_index.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTensorFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool is_shard(const std::string& name) {
  return name.starts_with("model-") && name.ends_with(".safetensors");
}

/// Shards in the folder that `taken`, sorted, does not name.
std::string passed_over(const std::vector<std::string>& names, const std::vector<std::string>& taken) {
  std::vector<std::string> over;
  for (const std::string& name : names)
    if (is_shard(name) && !std::binary_search(taken.begin(), taken.end(), name)) over.push_back(name);
  if (over.empty()) return {};
  return over.size() == 1 ? over.front()
                          : fmt::format("{} and {} more shards", over.front(), over.size() - 1);
}

std::string weights_note(const fs::path& folder, const std::vector<std::string>& names) {
  std::error_code error;
  const bool whole = fs::exists(folder / kTensorFile, error), index = fs::exists(folder / kIndexFile, error);
  if (whole) {
    const std::string over = passed_over(names, {});
    if (over.empty()) return {};
    return fmt::format("{}: {} is read; {}{} beside it {} passed over", folder.string(), kTensorFile, over,
                       index ? fmt::format(" and {}", kIndexFile) : "", index ? "are" : "is");
  }
  if (!index) return {};
  const auto files = parse_shard_index(read_file(folder / kIndexFile), (folder / kIndexFile).string()).files;
  const std::string over = passed_over(names, {files.begin(), files.end()});
  return over.empty() ? "" : fmt::format("{}: {}: not in the index, passed over", folder.string(), over);
}

}  // namespace

std::vector<std::string> folder_notes(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error) || !fs::exists(folder / "config.json", error)) return {};
  const std::vector<std::string> names = names_in(folder);
  std::vector<std::string> notes;
  if (std::string note = weights_note(folder, names); !note.empty()) notes.push_back(std::move(note));
  for (const std::string& name : names)
    if (is_dangling(folder / name))
      notes.push_back(fmt::format("{}: a link to nothing ({})", (folder / name).string(),
                                  fs::read_symlink(folder / name, error).string()));
  return notes;
}

}  // namespace espalier
