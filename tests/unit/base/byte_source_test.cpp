// What is no seekable file: pipes, /dev/fd, FIFOs.
#include "base/byte_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/files.h"
#include "checkpoint/mapped_file.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

/// A pipe with `content` in it, as a shell's <(..) gives one.
class Piped {
 public:
  explicit Piped(const std::string& content, std::size_t at_a_time = 4096) {
    if (::pipe(ends_.data()) != 0) throw std::runtime_error("no pipe");
    writer_ = std::thread([this, content, at_a_time] {
      for (std::size_t at = 0; at < content.size(); at += at_a_time)
        if (::write(ends_[1], content.data() + at, std::min(at_a_time, content.size() - at)) < 0) break;
      ::close(ends_[1]);
    });
  }
  ~Piped() {
    writer_.join();
    ::close(ends_[0]);
  }
  std::filesystem::path path() const { return "/dev/fd/" + std::to_string(ends_[0]); }

 private:
  std::array<int, 2> ends_{};
  std::thread writer_;
};

std::string all_of(ByteSource& source) {
  std::string text;
  std::array<char, 100> buffer;
  while (const std::size_t bytes = source.read(buffer)) text.append(buffer.data(), bytes);
  return text;
}

std::string long_text() {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += std::to_string(i) + "\n";
  return text;
}

TEST(ByteSource, APipeGivesWhatTheFileGives) {
  const TemporaryFolder folder;
  for (const std::string& text : {std::string("ab"), std::string(), long_text()}) {
    const Piped piped(text, 3000);
    ByteSource pipe(piped.path()), file(folder.write("f", text));
    EXPECT_EQ(pipe.peek(4), text.substr(0, 4));
    EXPECT_EQ(pipe.bytes_read(), 0U);
    EXPECT_EQ(all_of(pipe), text);
    EXPECT_EQ(all_of(file), text);
    EXPECT_EQ(pipe.bytes_read(), text.size());
    EXPECT_FALSE(pipe.size());
    EXPECT_EQ(file.size(), text.size());
  }
}

TEST(ByteSource, PeekingSeesPastSmallPieces) {
  const Piped piped("abcdef", 1);
  ByteSource source(piped.path());
  EXPECT_EQ(source.peek(4), "abcd");
  EXPECT_EQ(source.peek(100), "abcdef");
  EXPECT_EQ(all_of(source), "abcdef");
}

TEST(ByteSource, APipeIsReadAgainFromItsFirstByte) {
  const std::string text = long_text();
  const Piped piped(text);
  {
    ByteSource first(piped.path());
    EXPECT_EQ(first.peek(3), text.substr(0, 3));
    std::array<char, 50> some;
    ASSERT_GT(first.read(some), 0U);  // and stops there
  }
  EXPECT_EQ(read_file(piped.path()), text);
  EXPECT_EQ(read_file(piped.path()), text);
  const MappedFile mapped(piped.path());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()), text);
}

TEST(ByteSource, TellsPipesFromFiles) {
  const TemporaryFolder folder;
  const Piped piped("x");
  EXPECT_TRUE(is_pipe(piped.path()));
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(is_pipe(folder / "fifo"));
  EXPECT_FALSE(is_pipe(folder.write("file", "x")));
  EXPECT_FALSE(is_pipe(folder.path()));
  EXPECT_FALSE(is_pipe(folder / "absent"));
}

TEST(ByteSource, ErrorsNameTheFile) {
  const TemporaryFolder folder;
  fixtures::expect_user_error([&] { ByteSource(folder / "absent"); },
                              {"absent: no such file", "check the path"});
  fixtures::expect_user_error([&] { ByteSource(folder.path()); }, {"is a folder"});
  std::filesystem::create_symlink("gone", folder / "link");
  fixtures::expect_user_error([&] { ByteSource(folder / "link"); }, {"link: a link to nothing (gone)"});
}

}  // namespace
}  // namespace espalier
