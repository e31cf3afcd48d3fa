// `apply` killed at every system call that changes files: at each of them OUT is the old model or the new
// one, and the same command goes on.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstddef>
#include <map>
#include <set>

#include "base/staged_folder.h"
#include "kill_at_call.h"
#include "unit/surgery/pruned_model.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using namespace fixtures;

using Content = std::map<std::string, std::string>;

/// Every file of a folder but hidden ones: the record of its making.
Content content_of(const fs::path& folder) {
  Content content;
  std::error_code error;
  if (!fs::is_directory(folder, error)) return content;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.'))
      content[entry.path().lexically_relative(folder).string()] = read_file(entry.path());
  return content;
}

/// Hidden ones too.
std::set<std::string> names_below(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    names.insert(entry.path().lexically_relative(folder).string());
  return names;
}

/// From here on this process is on a file system that cannot exchange two folders.
void forbid_exchange() {
  std::array<sock_filter, 4> filter{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
                                     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
                                     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    std::abort();
}

class KilledApply : public ::testing::Test {
 protected:
  void SetUp() override {
    store(folder.model(), small_config("mixtral"), small_tensors("mixtral"), 2);
    write_file(folder.model() / "tokenizer.json", "{}");
    write_plan(folder.plan_file(), plan_keeping({0, 1, 2}, {1, 2, 5, 6}));
    options = folder.options();
    options.shard_bytes = 1300;
  }

  int apply() const {
    if (!can_exchange) forbid_exchange();
    apply_to_files(
        options, [](const Progress&) {}, [](std::string_view) {});
    return 0;
  }

  /// Kills at each call in turn, from `start` on the disk each time.
  void kill_at_each(const std::function<void()>& start, const Content& old_model, const Content& new_model) {
    start();
    ASSERT_EQ(run_killed_at(0, [&] { return apply(); }).exit_code, 0);
    const std::set<std::string> all_names = names_below(folder.out().parent_path());
    for (int at = 1; at < kMostCalls; ++at) {
      for (const char* name : {"out", "out.partial", "out.replaced"}) fs::remove_all(folder / name);
      start();
      const KilledRun run = run_killed_at(at, [&] { return apply(); });
      if (!run.killed) {
        EXPECT_EQ(run.exit_code, 0);
        EXPECT_GT(at, 30);  // else nothing was killed
        return;
      }
      if (!can_exchange) finish_replacement(folder.out());  // as whoever opens it does
      const Content found = content_of(folder.out());
      EXPECT_TRUE(found == old_model || found == new_model) << "call " << at;
      EXPECT_EQ(run_killed_at(0, [&] { return apply(); }).exit_code, 0) << "call " << at;
      EXPECT_EQ(content_of(folder.out()), new_model) << "call " << at;
      EXPECT_EQ(names_below(folder.out().parent_path()), all_names) << "call " << at;
    }
    FAIL() << "still running after " << kMostCalls << " calls";
  }

  static constexpr int kMostCalls = 2000;
  SurgeryFolder folder;
  ApplyOptions options;
  bool can_exchange = true;
};

TEST_F(KilledApply, LeavesNothingOrTheWholeModel) {
  apply();
  const Content model = content_of(folder.out());
  kill_at_each([] {}, {}, model);
}

class KilledOverwriting : public KilledApply {
 protected:
  void SetUp() override {
    KilledApply::SetUp();
    apply();
    new_model = content_of(folder.out());
    new_model["sub/notes.txt"] = "mine";
    fs::remove_all(folder.out());
    write_plan(folder.plan_file(), plan_keeping({0, 1, 2}, {0, 1, 2, 3, 4, 5}));
    apply();
    fs::create_directory(folder.out() / "sub");
    write_file(folder.out() / "sub/notes.txt", "mine");
    fs::rename(folder.out(), folder / "older");
    old_model = content_of(folder / "older");
    write_plan(folder.plan_file(), plan_keeping({0, 1, 2}, {1, 2, 5, 6}));
    options.if_exists = IfExists::kOverwrite;
  }
  void kill_at_each_call() {
    kill_at_each([&] { fs::copy(folder / "older", folder.out(), fs::copy_options::recursive); }, old_model,
                 new_model);
  }
  Content old_model, new_model;
};

TEST_F(KilledOverwriting, LeavesTheOldModelOrTheNewOne) {
  kill_at_each_call();
}

TEST_F(KilledOverwriting, LeavesOneOfThemForWhoeverOpensItWhereFoldersCannotBeExchanged) {
  can_exchange = false;
  kill_at_each_call();
}

}  // namespace
}  // namespace espalier
