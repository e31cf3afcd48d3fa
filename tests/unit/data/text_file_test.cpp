#include "data/text_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "packed_text.h"

namespace espalier {
namespace {

std::filesystem::path write(const std::string& name, const std::string& bytes) {
  const auto file = std::filesystem::path(testing::TempDir()) / ("text_file_test_" + name);
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

std::vector<std::string> lines(const std::filesystem::path& path, Utf8Policy policy = Utf8Policy::kStrict) {
  TextFile file(path, policy);
  std::vector<std::string> out;
  while (const auto line = file.next_line()) out.emplace_back(*line);
  return out;
}

TEST(TextFile, SplitsLines) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(lines(write("plain", "a\n\nb\r\nc")), (Lines{"a", "", "b", "c"}));
  EXPECT_EQ(lines(write("end", "a\n")), Lines{"a"});
  EXPECT_EQ(lines(write("empty", "")), Lines{});
  EXPECT_EQ(lines(write("mark",
                        "\xEF\xBB\xBF"
                        "a\n\xEF\xBB\xBF"
                        "b")),
            (Lines{"a",
                   "\xEF\xBB\xBF"
                   "b"}));
}

// Larger than any buffer, incompressible enough for several of them, lines across their borders.
std::string large_text() {
  std::string text;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    text += std::to_string(i * 0x9E3779B97F4A7C15ULL) + (i % 7 == 0 ? "\n" : " ");
  }
  return text + std::string(700'000, 'x') + "\nlast";
}

TEST(TextFile, CompressedReadsAsPlain) {
  const auto text = large_text();
  const auto expected = lines(write("large", text));
  EXPECT_EQ(expected.back(), "last");
  EXPECT_EQ(lines(write("large.gz", gzip(text))), expected);
  EXPECT_EQ(lines(write("large.zst", zstd(text))), expected);
  EXPECT_EQ(lines(write("two.gz", gzip("a\nb") + gzip("c\n"))), (std::vector<std::string>{"a", "bc"}));
  EXPECT_EQ(lines(write("two.zst", zstd("a\nb") + zstd("c\n"))), (std::vector<std::string>{"a", "bc"}));
  EXPECT_EQ(lines(write("repeats.zst", zstd(std::string(3'000'000, 'y')))).at(0).size(), 3'000'000u);
}

TEST(TextFile, ReplacesBrokenUtf8WhenAsked) {
  const auto file = write("broken", "fine\nx\xFFy\n");
  EXPECT_EQ(lines(file, Utf8Policy::kReplace), (std::vector<std::string>{"fine", "x\uFFFDy"}));
  EXPECT_THROW(lines(file), UserError);
}

TEST(TextFile, ReadsFilesInTurnWithProgress) {
  const std::vector<std::filesystem::path> files = {write("one", "a\nb\n"), write("two", "c")};
  std::string seen;
  Progress last;
  for_each_line(
      files, [&](std::string_view line) { seen += std::string(line) + ","; }, [&] { seen += "|"; }, "reading",
      [&](const Progress& progress) { last = progress; });
  EXPECT_EQ(seen, "a,b,|c,|");
  EXPECT_EQ(last.done, 5u);
  EXPECT_EQ(last.total, 5u);
}

TEST(TextFile, BlankLines) {
  EXPECT_TRUE(is_blank(""));
  EXPECT_TRUE(is_blank(" \t\r"));
  EXPECT_FALSE(is_blank(" x"));
}

}  // namespace
}  // namespace espalier
