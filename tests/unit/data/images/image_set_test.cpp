#include "data/images/image_set.h"

#include <gtest/gtest.h>

#include "packed_text.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"
#include "written_images.h"

namespace espalier {
namespace {

using namespace fixtures;

std::string red_png() {
  return png(2, 3, PNG_FORMAT_RGB, one_colour(2, 3, 255, 0, 0));
}

/// What the open fails with.
void expect_refused(const std::filesystem::path& where, const char* split,
                    const std::vector<std::string>& words) {
  expect_user_error([&] { open_images(where, split); }, words);
}

TEST(ImageSet, ClassFolders) {
  const TemporaryFolder folder;
  folder.write("train/dog/b.png", red_png());
  folder.write("train/cat/a.JPG", jpeg(4, 4, 3, one_colour(4, 4, 0, 0, 255)));
  folder.write("train/cat/notes.txt", "not an image");
  folder.write("test/cat/a.png", red_png());
  folder.write("test/dog/a.png", red_png());
  const ImageSet set = open_images(folder.path(), "train");
  EXPECT_EQ(set.labels, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(set.classes, (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(load_image(set, 0).width, 4);
  EXPECT_EQ(load_image(set, 1).width, 3);
  EXPECT_EQ(open_images(folder.path() / "test", "train").size(), 2U) << "class folders without splits";
}

TEST(ImageSet, IdxPlainAndGzipped) {
  const TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte.gz", gzip(idx({2, 2, 3}, "abcdefghijkl")));
  folder.write("train-labels-idx1-ubyte", idx({2}, std::string("\x03\x00", 2)));
  const ImageSet set = open_images(folder.path(), "train");
  EXPECT_EQ(set.classes, (std::vector<std::int32_t>{3, 0}));
  EXPECT_EQ(set.labels.size(), 10U);
  const Image second = load_image(set, 1);
  EXPECT_EQ(second.height, 2);
  EXPECT_EQ(second.width, 3);
  EXPECT_EQ(std::string(second.rgb.begin(), second.rgb.begin() + 6), "ggghhh");
}

TEST(ImageSet, Cifar10) {
  const TemporaryFolder folder;
  folder.write("data_batch_1.bin", cifar_record(6, 1, 2, 3));
  folder.write("data_batch_2.bin", cifar_record(9, 4, 5, 6));
  folder.write("test_batch.bin", cifar_record(0, 7, 8, 9));
  const ImageSet set = open_images(folder.path(), "train");
  ASSERT_EQ(set.classes, (std::vector<std::int32_t>{6, 9}));
  EXPECT_EQ(set.labels[6], "frog");
  const Image second = load_image(set, 1);
  EXPECT_EQ(second.rgb[0], 4);
  EXPECT_EQ(second.rgb[1], 5);
  EXPECT_EQ(second.rgb[3071], 6);
  EXPECT_EQ(open_images(folder.path(), "test").classes, std::vector<std::int32_t>{0});
  EXPECT_EQ(open_images(folder.path() / "data_batch_2.bin", "train").size(), 1U) << "one file by itself";
}

TEST(ImageSet, SomeClassesOnly) {
  const TemporaryFolder folder;
  const auto file =
      folder.write("a.bin", cifar_record(6, 1, 2, 3) + cifar_record(9, 4, 5, 6) + cifar_record(0, 7, 8, 9));
  const ImageSet all = open_images(file, "train");
  const ImageSet set = only_classes(all, {"truck", "airplane"});
  EXPECT_EQ(set.classes, (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(load_image(set, 0).rgb[0], 4);
  expect_user_error([&] { only_classes(all, {"trucks"}); },
                    {"there is no class \"trucks\"", "did you mean truck?"});
  expect_user_error([&] { only_classes(all, {"cat", "cat"}); }, {"\"cat\" is named twice"});
  expect_user_error([&] { only_classes(all, {"cat"}); }, {"no images of the classes cat"});
}

TEST(ImageSet, BadFoldersAndFiles) {
  const TemporaryFolder folder;
  expect_refused(folder / "nothing", "train", {"no such file or folder"});
  expect_refused(folder.path(), "dev", {"no split \"dev\"", "train, test"});
  expect_refused(folder.path(), "train", {"0 class folders"});
  folder.write("one/a.png", red_png());
  expect_refused(folder.path(), "train", {"1 class folders with images, expected at least two"});
  std::filesystem::create_directory(folder / "two");
  expect_refused(folder.path(), "train", {"two: the class folder has no images"});
  folder.write("two/a.png", red_png().substr(0, 30));
  const ImageSet set = open_images(folder.path(), "train");
  expect_user_error([&] { load_image(set, 1); }, {"two/a.png: damaged or cut short"});
}

TEST(ImageSet, IdxHeadersThatLie) {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& images, const std::string& labels) {
    folder.write("train-images-idx3-ubyte", images);
    folder.write("train-labels-idx1-ubyte", labels);
  };
  const std::string good = idx({1, 2, 2}, "abcd"), label = idx({1}, "\x01");
  write(idx({1, 2, 2}, "abc"), label);
  expect_refused(folder.path(), "train", {"train-images-idx3-ubyte: 3 bytes follow the header", "1 x 2 x 2"});
  write(idx({4294967295U, 4294967295U, 4294967295U}, "abcd"), label);
  expect_refused(folder.path(), "train", {"4 bytes follow the header"});
  write(idx({1, 0, 2}, ""), label);
  expect_refused(folder.path(), "train", {"images of 0 x 2 pixels"});
  write(label, label);
  expect_refused(folder.path(), "train", {"not an idx file of unsigned bytes with 3 dimensions"});
  write(good.substr(0, 9), label);
  expect_refused(folder.path(), "train", {"not an idx file"});
  write(good, idx({2}, "\x01\x02"));
  expect_refused(folder.path(), "train", {"2 labels for the 1 images"});
}

TEST(ImageSet, Cifar10FilesThatAreCut) {
  const TemporaryFolder folder;
  const auto cut = folder.write("cut.bin", cifar_record(1, 1, 1, 1).substr(0, 3072));
  expect_refused(cut, "train", {"3072 bytes, expected whole records of 3073"});
  const auto label = folder.write("label.bin", cifar_record(10, 1, 1, 1));
  expect_refused(label, "train", {"record 0 has the label 10, expected 0 to 9"});
}

}  // namespace
}  // namespace espalier
