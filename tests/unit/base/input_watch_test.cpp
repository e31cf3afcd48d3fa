#include "base/input_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "base/files.h"
#include "base/mapped_range.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using fixtures::expect_user_error;

TEST(InputWatch, NoOutputAppearsOfAnInputThatChanged) {
  const TemporaryFolder folder;
  const fs::path input = folder.write("input", "before");
  const auto changes = [&](const auto& change) {
    write_file(input, "before");
    std::optional<WatchedInput> watched(std::in_place, input, stamp_of(input));
    EXPECT_NO_THROW(write_file(folder / "out", "of before"));
    change();
    expect_user_error([&] { write_file(folder / "out", "of both"); }, {"input: changed while it was in use"});
    EXPECT_EQ(read_file(folder / "out"), "of before");
    watched.reset();
    expect_user_error([] { expect_inputs_were_unchanged(); },
                      {"input: changed"});  // told once more at the end
    EXPECT_NO_THROW(expect_inputs_were_unchanged());
    EXPECT_NO_THROW(write_file(folder / "out", "of before"));
  };
  changes([&] { write_file(input, "after."); });  // another file of the same size
  changes([&] { fs::resize_file(input, 3); });    // cut
  changes([&] { fs::remove(input); });
  changes([&] { fs::last_write_time(input, fs::file_time_type::clock::now() + std::chrono::seconds(5)); });
}

/// Reads a mapping after its file was cut, with the handler; 0 where that ends in the error.
int read_cut_mapping(const fs::path& file) {
  install_mapping_handler();
  constexpr std::size_t kBytes = 1 << 20;
  const int descriptor = ::open(file.c_str(), O_RDONLY);
  const void* address = ::mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const std::span bytes(static_cast<const std::byte*>(address), kBytes);
  const MappedRange range(file, bytes);
  ::truncate(file.c_str(), 4096);
  std::size_t sum = 0;
  for (const std::byte byte : bytes) sum += static_cast<std::size_t>(byte);
  if (sum != 4096 * std::size_t{'x'}) return 1;
  try {
    expect_inputs_unchanged();
  } catch (const UserError& error) {
    return std::string(error.what()).find("changed while it was in use") == std::string::npos ? 3 : 0;
  }
  return 2;
}

TEST(InputWatch, ReadingAMappingOfAFileThatWasCutIsAnError) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("weights", std::string(1 << 20, 'x'));
  const pid_t child = ::fork();  // which has the handler
  if (child == 0) ::_exit(read_cut_mapping(file));
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace espalier
