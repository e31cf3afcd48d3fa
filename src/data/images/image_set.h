#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/images/image.h"

namespace espalier {

/// Labelled images of one split. Those of binary files lie in memory as they were read; those of class
/// folders are decoded when they are asked for.
struct ImageSet {
  std::string source;                        // what was opened, for messages
  std::vector<std::string> labels;           // names of the classes
  std::vector<std::int32_t> classes;         // [images] index into labels
  std::vector<std::filesystem::path> files;  // [images], or empty: then
  std::int64_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;  // [images, channels, height, width]; 1 or 3 channels

  std::size_t size() const { return classes.size(); }
};

/// Opens `split` ("train", "test") of a data set. `where` is
/// - a folder of class folders of JPEG and PNG files, or of a folder `split` with those;
/// - a folder with the idx files of MNIST and Fashion-MNIST: `train-images-idx3-ubyte`, ..;
/// - a folder with the files of CIFAR-10's binary version: `data_batch_1.bin`, .., `batches.meta.txt`;
/// - one file of CIFAR-10's binary layout, whatever the split.
/// Binary files may be packed (.gz, .zst).
/// Throws UserError naming the file, what was found and what was expected.
ImageSet open_images(const std::filesystem::path& where, std::string_view split);

/// The same readers on their own.
ImageSet read_class_folders(const std::filesystem::path& folder);
ImageSet read_idx(const std::filesystem::path& images, const std::filesystem::path& labels);
ImageSet read_cifar10(const std::vector<std::filesystem::path>& files, std::vector<std::string> labels);

/// Only the images of the named classes, numbered in the order of the names. Throws UserError for a name that
/// is not there and for one that is given twice.
ImageSet only_classes(const ImageSet& set, const std::vector<std::string>& names);

/// One image, decoded. Throws UserError naming its file.
Image load_image(const ImageSet& set, std::size_t index);

}  // namespace espalier
