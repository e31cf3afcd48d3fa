#include "base/staged_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/input_watch.h"
#include "base/output_path.h"
#include "base/stage_record.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

fs::path with_suffix(fs::path folder, const char* suffix) {
  return folder += suffix;
}

fs::path partial_of(const fs::path& out) {
  return with_suffix(out, ".partial");
}

/// Where the old folder is for a moment, where two cannot be exchanged.
fs::path aside_of(const fs::path& out) {
  return with_suffix(out, ".replaced");
}

bool is_empty_or_absent(const fs::path& folder) {
  std::error_code error;
  return !fs::exists(folder, error) || fs::is_empty(folder, error);
}

/// The record goes last: without it the rest would be a folder that nobody knows.
void remove_ours(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename() != kStageRecordFile) entries.push_back(entry.path());
  for (const fs::path& entry : entries) fs::remove_all(entry);
  fs::remove(folder / kStageRecordFile);
  fs::remove(folder, error);
}

/// Whether nothing of value can be in it: made by a process that was killed before it wrote its record.
bool is_bare(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder))
    if (!is_left_over(entry.path())) return false;
  return true;
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);  // best effort: some file systems cannot
  ::close(descriptor);
}

/// False where the file system cannot.
bool exchange(const fs::path& a, const fs::path& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return true;
  if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) return false;
  throw UserError(
      fmt::format("{}: cannot take the place of {}: {}", a.string(), b.string(), std::strerror(errno)),
      "name another output folder");
}

/// A second name for the same bytes; a copy where the file system has no such.
void carry(const fs::path& from, const fs::path& to) {
  fs::create_directories(to.parent_path());
  std::error_code error;
  if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0) == 0) return;
  if (fs::is_symlink(fs::symlink_status(from, error)))
    fs::copy_symlink(from, to);
  else if (fs::is_regular_file(from, error))
    fs::copy_file(from, to, fs::copy_options::overwrite_existing);
}

void carry_over(const fs::path& from, const fs::path& to, const std::function<bool(const fs::path&)>& goes) {
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const fs::path relative = entry.path().lexically_relative(from);
    if (entry.is_directory() && !entry.is_symlink()) continue;
    if (relative == kStageRecordFile || is_left_over(entry.path()) || goes(relative)) continue;
    if (!fs::exists(fs::symlink_status(to / relative, error))) carry(entry.path(), to / relative);
  }
}

/// What is left to do once the new folder has its name.
void finish_cleanly(const fs::path& out, StageRecord record) {
  for (const fs::path& old : {partial_of(out), aside_of(out)})
    if (record.replaces && stamp_of(old).inode == record.replaces) remove_ours(old);
  if (!record.replaces && !record.work.empty()) return;
  record.replaces = 0;
  if (record.work.empty())
    fs::remove(out / kStageRecordFile);
  else
    write_record(out, record);
}

}  // namespace

void finish_replacement(const fs::path& asked) {
  std::error_code error;
  if (fs::exists(asked, error)) return;
  const fs::path out = settled_path(asked);
  const auto record = read_record(partial_of(out));
  if (!record || !record->replaces || stamp_of(aside_of(out)).inode != record->replaces) return;
  const FolderLock lock = lock_for_writing(partial_of(out));
  fs::rename(partial_of(out), out);
  finish_cleanly(out, *record);
}

StagedFolder::StagedFolder(const fs::path& out, IfExists if_exists, std::string_view work,
                           const NoteSink& note)
    : out_(settled_path(out)), partial_(partial_of(out_)), work_(work) {
  finish_replacement(out_);
  const auto before = read_record(out_);
  if (before && before->replaces) {
    const FolderLock lock = lock_for_writing(out_);
    finish_cleanly(out_, *before);
  }
  const bool same = before && !work_.empty() && before->work == work_ && before->holds(out_);
  done_ = same && (if_exists == IfExists::kFail || before->replaces);
  if (done_) return;
  check_output_folder(out, if_exists);
  open_partial(note);
}

void StagedFolder::open_partial(const NoteSink& note) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(partial_, error))) {
    const auto record = read_record(partial_);
    const bool is_folder = fs::is_directory(fs::symlink_status(partial_, error));
    if (!is_folder || (!record && !is_bare(partial_)))
      throw UserError(fmt::format("{}: is in the way: the result is written there until it is complete",
                                  partial_.string()),
                      "remove it, or name another output folder");
    lock_.emplace(lock_for_writing(partial_));
    if (record && !work_.empty() && record->work == work_) return;
    if (record && note) note(fmt::format("{}: left by other work; starting anew", partial_.string()));
    remove_ours(partial_);
    lock_.reset();
  }
  fs::create_directories(partial_, error);
  if (error)
    throw UserError(fmt::format("{}: cannot be created: {}", partial_.string(), error.message()),
                    "check the path, and that the folder above it may be written to");
  lock_.emplace(lock_for_writing(partial_));
  write_record(partial_, {work_, 0, {}});
}

void StagedFolder::commit(const std::function<bool(const fs::path& relative)>& goes) {
  expect_inputs_unchanged();
  StageRecord record{work_, 0, sizes_below(partial_)};
  const bool replaces = !is_empty_or_absent(out_);
  if (replaces) {
    carry_over(out_, partial_, goes);
    record.replaces = stamp_of(out_).inode;
  }
  write_record(partial_, record);
  sync_folder(partial_);
  if (!replaces) {
    fs::rename(partial_, out_);  // an empty folder of this name goes
  } else if (!exchange(partial_, out_)) {
    fs::rename(out_, aside_of(out_));
    fs::rename(partial_, out_);
  }
  sync_folder(out_.parent_path());
  finish_cleanly(out_, record);
}

void StagedFolder::discard() {
  if (lock_) remove_ours(partial_);
}

void remove_folder(const fs::path& folder) {
  const fs::path going = with_suffix(folder, ".removed");
  fs::remove_all(going);
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) return;
  fs::rename(folder, going);
  fs::remove_all(going);
}

}  // namespace espalier
