#include "base/staged_folder.h"

#include <gtest/gtest.h>

#include "base/stage_record.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using fixtures::expect_user_error;

const auto kNoNote = [](std::string_view) {};
const auto kNothingGoes = [](const fs::path&) { return false; };

TEST(StagedFolder, IsThereWhenComplete) {
  const TemporaryFolder folder;
  const fs::path out = folder / "new/out";
  {
    StagedFolder staged(out, IfExists::kFail, "work", kNoNote);
    write_file(staged.path() / "a", "1");
    EXPECT_FALSE(fs::exists(out));
    staged.commit(kNothingGoes);
  }
  EXPECT_EQ(read_file(out / "a"), "1");
  EXPECT_FALSE(fs::exists(folder / "new/out.partial"));
  EXPECT_TRUE(StagedFolder(out, IfExists::kFail, "work", kNoNote).is_done());
  expect_user_error([&] { StagedFolder(out, IfExists::kFail, "other", kNoNote); },
                    {"exists and is not empty"});
  write_file(out / "a", "12");  // no longer what was made
  expect_user_error([&] { StagedFolder(out, IfExists::kFail, "work", kNoNote); },
                    {"exists and is not empty"});
}

TEST(StagedFolder, TheOldFolderGoesButForWhatStays) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "out/sub");
  write_file(folder / "out/a", "old");
  write_file(folder / "out/b", "old");
  write_file(folder / "out/sub/c", "old");
  fs::create_symlink("nowhere", folder / "out/link");
  StagedFolder staged(folder / "out", IfExists::kOverwrite, "", kNoNote);
  write_file(staged.path() / "a", "new");
  staged.commit([](const fs::path& file) { return file == "b"; });
  EXPECT_EQ(read_file(folder / "out/a"), "new");
  EXPECT_FALSE(fs::exists(folder / "out/b"));
  EXPECT_EQ(read_file(folder / "out/sub/c"), "old");
  EXPECT_TRUE(fs::is_symlink(folder / "out/link"));
  EXPECT_FALSE(fs::exists(folder / "out" / kStageRecordFile));  // of no work that could come again
  EXPECT_FALSE(fs::exists(folder / "out.partial"));
}

TEST(StagedFolder, GoesOnWithTheSameWorkOnly) {
  const TemporaryFolder folder;
  { write_file(StagedFolder(folder / "out", IfExists::kFail, "work", kNoNote).path() / "half", "1"); }
  EXPECT_TRUE(fs::exists(StagedFolder(folder / "out", IfExists::kFail, "work", kNoNote).path() / "half"));
  EXPECT_FALSE(fs::exists(StagedFolder(folder / "out", IfExists::kFail, "other", kNoNote).path() / "half"));
}

TEST(StagedFolder, HasOneWriter) {
  const TemporaryFolder folder;
  const StagedFolder one(folder / "out", IfExists::kFail, "work", kNoNote);
  expect_user_error([&] { StagedFolder(folder / "out", IfExists::kFail, "work", kNoNote); },
                    {"out.partial: another process is writing there"});
}

TEST(RemoveFolder, LeavesNothing) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "a/b");
  fs::create_directories(folder / "a.removed");  // of a process that was killed
  remove_folder(folder / "a");
  remove_folder(folder / "a");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace espalier
