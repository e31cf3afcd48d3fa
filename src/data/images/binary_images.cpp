#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "data/byte_stream.h"
#include "data/images/image_set.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlockBytes = 1 << 20;
constexpr std::size_t kMostBytes = std::size_t{1} << 36;
constexpr std::int64_t kCifarSide = 32, kCifarRecord = 1 + 3 * kCifarSide * kCifarSide;
constexpr std::array<const char*, 10> kCifar10Labels{"airplane", "automobile", "bird",  "cat",  "deer",
                                                     "dog",      "frog",       "horse", "ship", "truck"};

std::string bytes_of(const fs::path& file) {
  const auto stream = ByteStream::open(file);
  std::string bytes;
  for (std::size_t count = 1; count > 0 && bytes.size() < kMostBytes;) {
    const std::size_t before = bytes.size();
    bytes.resize(before + kBlockBytes);
    count = stream->read(std::span(bytes).subspan(before));
    bytes.resize(before + count);
  }
  return bytes;
}

/// An idx file (LeCun's MNIST page): two zero bytes, the type (8: unsigned bytes), the number of dimensions,
/// each dimension as a big-endian 32-bit number, the values.
struct Idx {
  std::vector<std::int64_t> shape;
  std::string bytes;
  std::size_t begin = 0;  // of the values
};

Idx read_idx_file(const fs::path& file, std::size_t dimensions) {
  Idx idx{{}, bytes_of(file), 4 + 4 * dimensions};
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(idx.bytes[at]); };
  if (idx.bytes.size() < idx.begin || byte(0) != 0 || byte(1) != 0 || byte(2) != 8 || byte(3) != dimensions)
    throw UserError(
        fmt::format("{}: not an idx file of unsigned bytes with {} dimensions", file.string(), dimensions),
        "images are train-images-idx3-ubyte, labels train-labels-idx1-ubyte");
  unsigned __int128 values = 1;
  for (std::size_t d = 0; d < dimensions; ++d) {
    std::int64_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) size = size * 256 + byte(4 + 4 * d + i);
    idx.shape.push_back(size);
    values *= static_cast<unsigned __int128>(size);
  }
  if (values != idx.bytes.size() - idx.begin)
    throw UserError(fmt::format("{}: {} bytes follow the header, which speaks of {}", file.string(),
                                idx.bytes.size() - idx.begin, fmt::join(idx.shape, " x ")),
                    "the file is damaged or cut short: fetch it again");
  return idx;
}

void expect_sides(const fs::path& file, const Idx& images) {
  for (std::size_t d = 1; d < 3; ++d)
    if (images.shape[d] < 1 || images.shape[d] > kLargestImageSide)
      throw UserError(fmt::format("{}: images of {} x {} pixels, expected sides from 1 to {}", file.string(),
                                  images.shape[1], images.shape[2], kLargestImageSide),
                      "reduce the images, or give them as folders of JPEG or PNG");
}

void append_records(const fs::path& file, ImageSet& set) {
  const std::string bytes = bytes_of(file);
  constexpr auto record = static_cast<std::size_t>(kCifarRecord);
  if (bytes.empty() || bytes.size() % record != 0)
    throw UserError(fmt::format("{}: {} bytes, expected whole records of {} (a label and 32 x 32 x 3 pixels)",
                                file.string(), bytes.size(), record),
                    "the file is cut short, or not of CIFAR-10's binary version");
  for (std::size_t at = 0; at < bytes.size(); at += record) {
    const auto label = static_cast<unsigned char>(bytes[at]);
    if (label >= set.labels.size())
      throw UserError(fmt::format("{}: record {} has the label {}, expected 0 to {}", file.string(),
                                  at / record, label, set.labels.size() - 1),
                      "the file is damaged, or of another data set: fetch it again");
    set.classes.push_back(label);
    set.pixels.insert(set.pixels.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at + 1),
                      bytes.begin() + static_cast<std::ptrdiff_t>(at + record));
  }
}

}  // namespace

ImageSet read_idx(const fs::path& images, const fs::path& labels) {
  Idx picture = read_idx_file(images, 3);
  expect_sides(images, picture);
  const Idx label = read_idx_file(labels, 1);
  if (label.shape[0] != picture.shape[0] || label.shape[0] == 0)
    throw UserError(fmt::format("{}: {} labels for the {} images of {}", labels.string(), label.shape[0],
                                picture.shape[0], images.string()),
                    "images and labels are of different splits, or there are none");
  ImageSet set;
  set.source = images.string();
  set.height = picture.shape[1];
  set.width = picture.shape[2];
  set.channels = 1;
  int most = 0;
  for (std::size_t at = label.begin; at < label.bytes.size(); ++at) {
    set.classes.push_back(static_cast<unsigned char>(label.bytes[at]));
    most = std::max(most, set.classes.back());
  }
  for (int i = 0; i <= std::max(most, 9); ++i) set.labels.push_back(std::to_string(i));
  set.pixels.assign(picture.bytes.begin() + static_cast<std::ptrdiff_t>(picture.begin), picture.bytes.end());
  return set;
}

ImageSet read_cifar10(const std::vector<fs::path>& files, std::vector<std::string> labels) {
  ImageSet set;
  set.source = files.front().string();
  set.labels = std::move(labels);
  if (set.labels.empty()) set.labels.assign(kCifar10Labels.begin(), kCifar10Labels.end());
  set.height = set.width = kCifarSide;
  set.channels = 3;
  for (const fs::path& file : files) append_records(file, set);
  return set;
}

}  // namespace espalier
