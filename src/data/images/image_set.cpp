#include "data/images/image_set.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/foreign_file.h"
#include "base/nearest.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// The file, or one of its packed forms; where none is there, the file's own name.
fs::path plain_or_packed(const fs::path& folder, const std::string& name) {
  for (const char* ending : {"", ".gz", ".zst"})
    if (fs::exists(folder / (name + ending))) return folder / (name + ending);
  return folder / name;
}

bool has_idx(const fs::path& folder, const std::string& stem) {
  return fs::exists(plain_or_packed(folder, stem + "-images-idx3-ubyte"));
}

/// "test" is called "t10k" there.
std::string idx_stem(std::string_view split) {
  return split == "test" ? "t10k" : std::string(split);
}

std::vector<fs::path> cifar10_files(const fs::path& folder, std::string_view split) {
  std::vector<std::string> names{"test_batch.bin"};
  if (split == "train") {
    names.clear();
    for (int i = 1; i <= 5; ++i) names.push_back(fmt::format("data_batch_{}.bin", i));
  }
  std::vector<fs::path> files;
  for (const std::string& name : names) {
    const fs::path file = plain_or_packed(folder, name);
    if (fs::exists(file)) files.push_back(file);
  }
  return files;
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  const std::string text = read_file(file);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
    at = end + 1;
  }
  return lines;
}

std::vector<std::string> cifar10_labels(const fs::path& folder) {
  const fs::path names = folder / "batches.meta.txt";
  return fs::exists(names) ? lines_of(names) : std::vector<std::string>{};
}

/// A plane of the file as RGB: grey fills all three.
Image from_planes(const ImageSet& set, std::size_t index) {
  Image image{set.height, set.width, {}};
  const auto area = static_cast<std::size_t>(set.height * set.width);
  const auto channels = static_cast<std::size_t>(set.channels);
  const std::uint8_t* planes = set.pixels.data() + index * channels * area;
  image.rgb.resize(area * 3);
  for (std::size_t at = 0; at < area; ++at)
    for (std::size_t c = 0; c < 3; ++c) image.rgb[at * 3 + c] = planes[(channels == 1 ? 0 : c) * area + at];
  return image;
}

}  // namespace

ImageSet open_images(const fs::path& where, std::string_view split) {
  if (split != "train" && split != "test")
    throw UserError(fmt::format("images have no split \"{}\"", split), "known: train, test");
  if (fs::is_regular_file(where)) return read_cifar10({where}, {});
  if (!fs::is_directory(where))
    throw UserError(fmt::format("{}: no such file or folder", where.string()),
                    "name a folder of class folders, of idx files or of CIFAR-10's binary files");
  const std::string stem = idx_stem(split);
  if (has_idx(where, "train") || has_idx(where, "t10k"))
    return read_idx(plain_or_packed(where, stem + "-images-idx3-ubyte"),
                    plain_or_packed(where, stem + "-labels-idx1-ubyte"));
  if (!cifar10_files(where, "train").empty() || !cifar10_files(where, "test").empty()) {
    const auto files = cifar10_files(where, split);
    if (files.empty())
      throw UserError(
          fmt::format("{}: CIFAR-10's files are here, but none of the split {}", where.string(), split),
          "fetch the files that are missing, or name another split: train, test");
    return read_cifar10(files, cifar10_labels(where));
  }
  if (fs::is_directory(where / "train") || fs::is_directory(where / "test"))
    return read_class_folders(where / std::string(split));
  return read_class_folders(where);
}

ImageSet only_classes(const ImageSet& set, const std::vector<std::string>& names) {
  std::vector<std::int32_t> after(set.labels.size(), -1);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = std::find(set.labels.begin(), set.labels.end(), names[i]);
    if (found == set.labels.end())
      throw UserError(
          fmt::format("{}: there is no class \"{}\"", set.source, names[i]),
          suggestion(names[i], std::vector<std::string_view>(set.labels.begin(), set.labels.end())));
    auto& number = after[static_cast<std::size_t>(found - set.labels.begin())];
    if (number >= 0)
      throw UserError(fmt::format("the class \"{}\" is named twice", names[i]), "name each class once");
    number = static_cast<std::int32_t>(i);
  }
  ImageSet result{set.source, names, {}, {}, set.height, set.width, set.channels, {}};
  const auto bytes = static_cast<std::size_t>(set.height * set.width * set.channels);
  for (std::size_t i = 0; i < set.size(); ++i) {
    const auto number = after[static_cast<std::size_t>(set.classes[i])];
    if (number < 0) continue;
    result.classes.push_back(number);
    if (!set.files.empty()) {
      result.files.push_back(set.files[i]);
      continue;
    }
    const auto begin = set.pixels.begin() + static_cast<std::ptrdiff_t>(i * bytes);
    result.pixels.insert(result.pixels.end(), begin, begin + static_cast<std::ptrdiff_t>(bytes));
  }
  if (result.classes.empty())
    throw UserError(fmt::format("{}: no images of the classes {}", set.source, fmt::join(names, ", ")),
                    "name a class that has images");
  return result;
}

Image load_image(const ImageSet& set, std::size_t index) {
  if (set.files.empty()) return from_planes(set, index);
  const std::string bytes = read_file(set.files[index]);
  refuse_foreign_or_page(bytes, set.files[index].string());
  return decode_image(std::as_bytes(std::span(bytes)), set.files[index].string());
}

}  // namespace espalier
