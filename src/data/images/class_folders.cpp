#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "data/images/image_set.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

bool is_image_name(const fs::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with(".")) entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

}  // namespace

ImageSet read_class_folders(const fs::path& folder) {
  if (!fs::is_directory(folder))
    throw UserError(fmt::format("{}: no such folder", folder.string()),
                    "it should hold one folder for each class");
  ImageSet set;
  set.source = folder.string();
  for (const fs::path& entry : sorted_entries(folder)) {
    if (!fs::is_directory(entry)) continue;
    const auto before = set.files.size();
    for (const fs::path& file : sorted_entries(entry)) {
      if (is_image_name(file)) set.files.push_back(file);
    }
    if (set.files.size() == before)
      throw UserError(fmt::format("{}: the class folder has no images", entry.string()),
                      "images end in .jpg, .jpeg or .png; remove the folder if it is no class");
    set.classes.resize(set.files.size(), static_cast<std::int32_t>(set.labels.size()));
    set.labels.push_back(entry.filename().string());
  }
  if (set.labels.size() < 2)
    throw UserError(fmt::format("{}: {} class folders with images, expected at least two", folder.string(),
                                set.labels.size()),
                    "each class has a folder of its own: cats/1.jpg, dogs/1.jpg");
  return set;
}

}  // namespace espalier
