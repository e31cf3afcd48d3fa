#include "base/files.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/output_path.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using fixtures::expect_user_error;

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(Files, WritesAndReadsBack) {
  const TemporaryFolder folder;
  std::string content(3'000'000, 'x');
  content[5] = '\0';
  write_file(folder / "a", content);
  EXPECT_EQ(read_file(folder / "a"), content);
  write_file(folder / "a", "");
  EXPECT_EQ(read_file(folder / "a"), "");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(Files, ReadsFilesThatHaveNoSize) {
  EXPECT_NE(read_file("/proc/self/status").find("VmRSS"), std::string::npos);
}

TEST(Files, ReadErrorsNameTheFile) {
  const TemporaryFolder folder;
  expect_user_error([&] { read_file(folder / "absent"); }, {"absent: no such file"});
  expect_user_error([&] { read_file(folder.path()); }, {folder.path().string(), "is a folder"});
}

TEST(Files, WriteErrorsNameTheFileAndLeaveNothing) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "d");
  expect_user_error([&] { write_file(folder / "d", "x"); }, {"is a folder"});
  expect_user_error([&] { write_file(folder / "absent/a", "x"); }, {"absent/a: cannot be created"});
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(Files, FollowsSymbolicLinks) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "other");
  fs::create_symlink("other/file", folder / "link");
  fs::create_symlink("link", folder / "link-to-link");
  write_file(folder / "link-to-link", "new");  // which leads to no file yet
  EXPECT_EQ(read_file(folder / "other/file"), "new");
  write_file(folder / "link", "newer");
  EXPECT_EQ(read_file(folder / "other/file"), "newer");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(entries(folder / "other"), 1U);
  fs::create_symlink("round", folder / "round");
  expect_user_error([&] { write_file(folder / "round", "x"); }, {"round: symbolic links that lead nowhere"});
}

TEST(Files, WritesToAFifoAndADeviceAsTheyAre) {
  const TemporaryFolder folder;
  const fs::path fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = read_file(fifo); });
  write_file(fifo, "through");
  reader.join();
  EXPECT_EQ(read, "through");
  EXPECT_TRUE(fs::is_fifo(fifo));
  fs::create_symlink("/dev/null", folder / "null");
  write_file(folder / "null", "gone");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(entries(folder.path()), 2U);
}

TEST(Files, NamesMayBeAsLongAsTheFileSystemHasThem) {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  write_file(folder / name, "x");
  EXPECT_EQ(read_file(folder / name), "x");
}

TEST(Files, KnowsPlainNames) {
  for (const char* name : {"a", "0.5", "..a", "a b"}) EXPECT_TRUE(is_plain_file_name(name)) << name;
  for (const char* name : {"", ".", "..", "a/b", "/a", "../a", "a\\b"})
    EXPECT_FALSE(is_plain_file_name(name)) << name;
  EXPECT_FALSE(is_plain_file_name(std::string_view("a\0b", 3)));
}

TEST(Files, UncommittedOutputLeavesTheOldFile) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  {
    AtomicFile output(folder / "a");
    output.write("half of the n");
  }
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(Files, ReservingMoreThanIsWrittenLeavesNoTail) {
  const TemporaryFolder folder;
  AtomicFile output(folder / "a");
  output.reserve(10'000);
  output.write("short");
  output.commit();
  EXPECT_EQ(read_file(folder / "a"), "short");
}

TEST(Files, RemovesWhatAKilledWriterLeft) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile output(folder / "a");
    output.write("partial");
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  ASSERT_EQ(entries(folder.path()), 1U);  // the temporary
  write_file(folder / "b", "another file's writer leaves it alone");
  ASSERT_EQ(entries(folder.path()), 2U);
  write_file(folder / "a", "whole");
  EXPECT_EQ(entries(folder.path()), 2U);
  EXPECT_EQ(read_file(folder / "a"), "whole");
}

/// Runs `body` in a child process, where it may lower limits; its UserError's text comes back.
template <typename Body>
std::string error_in_child(const fs::path& report, Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::string text = "no error";
    try {
      text = body();
    } catch (const UserError& error) {
      text = error.what();
    }
    std::ofstream(report) << text;
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  return read_file(report);
}

TEST(Files, TooLargeAFileIsAUserErrorWithTheBytesNeeded) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "out");
  const std::string error = error_in_child(folder / "report", [&]() -> std::string {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    write_file(folder / "out/a", std::string(300'000, 'x'));
    return "no error";
  });
  EXPECT_NE(error.find("300000 bytes are more than a file may have here"), std::string::npos) << error;
  EXPECT_EQ(entries(folder / "out"), 0U);
}

TEST(Files, AFullDiskIsAUserErrorWithTheBytesNeededAndFree) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "disk");
  const std::string error = error_in_child(folder / "report", [&]() -> std::string {
    // A disk of 64 KiB that only this child sees.
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", (folder / "disk").c_str(), "tmpfs", 0, "size=64k") != 0) {
      return "skip";
    }
    try {
      AtomicFile output(folder / "disk/a");
      output.write(std::string(300'000, 'x'));
      return "no error";
    } catch (const UserError& failure) {
      return std::string(failure.what()) +
             (entries(folder / "disk") == 0 ? " nothing left" : " something left");
    }
  });
  if (error == "skip") GTEST_SKIP() << "mounting a small disk takes root";
  EXPECT_NE(error.find("the disk is full: 300000 bytes needed, 65536 free"), std::string::npos) << error;
  EXPECT_NE(error.find("nothing left"), std::string::npos) << error;
}

TEST(Files, OutputFolder) {
  const TemporaryFolder folder;
  create_output_folder(folder / "new/inner", IfExists::kFail);
  EXPECT_TRUE(fs::is_directory(folder / "new/inner"));
  create_output_folder(folder / "new/inner", IfExists::kFail);  // empty: fine
  write_file(folder / "new/inner/file", "x");
  expect_user_error([&] { create_output_folder(folder / "new/inner", IfExists::kFail); },
                    {"not empty", "--overwrite"});
  create_output_folder(folder / "new/inner", IfExists::kOverwrite);
  EXPECT_EQ(read_file(folder / "new/inner/file"), "x");
  expect_user_error([&] { create_output_folder(folder / "new/inner/file", IfExists::kOverwrite); },
                    {"is a file"});
  expect_user_error([&] { create_output_folder(folder / "new/inner/file/x", IfExists::kFail); },
                    {"cannot be created"});
}

}  // namespace
}  // namespace espalier
