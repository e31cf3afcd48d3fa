#include "base/input_watch.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mapped_range.h"

namespace espalier {

namespace {

struct Watch {
  std::mutex mutex;
  std::vector<const WatchedInput*> inputs;
  std::string changed;  // the first of those that are no longer watched
};

Watch& watch() {
  static Watch only;
  return only;
}

[[noreturn]] void fail(const std::string& file) {
  throw UserError(
      fmt::format("{}: changed while it was in use, and so what was made of it is of no use", file),
      "run the command again when nothing writes to the file");
}

FileStamp stamp_from(const struct stat& status) {
  return {static_cast<std::uint64_t>(status.st_size), status.st_dev, status.st_ino,
          std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

}  // namespace

FileStamp stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? stamp_from(status) : FileStamp{};
}

FileStamp stamp_of(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 ? stamp_from(status) : FileStamp{};
}

WatchedInput::WatchedInput(std::filesystem::path file, const FileStamp& stamp)
    : file_(std::move(file)), stamp_(stamp) {
  const std::lock_guard lock(watch().mutex);
  watch().inputs.push_back(this);
}

WatchedInput::~WatchedInput() {
  const std::lock_guard lock(watch().mutex);
  std::erase(watch().inputs, this);
  if (is_changed() && watch().changed.empty()) watch().changed = file_.string();
}

void expect_inputs_unchanged() {
  if (const auto cut = cut_mapping()) fail(*cut);
  const std::lock_guard lock(watch().mutex);
  for (const WatchedInput* input : watch().inputs)
    if (input->is_changed()) fail(input->file().string());
}

void expect_inputs_were_unchanged() {
  const std::lock_guard lock(watch().mutex);
  const std::string changed = std::exchange(watch().changed, {});
  if (!changed.empty()) fail(changed);
}

void remember_changed_input(const std::string& file) {
  const std::lock_guard lock(watch().mutex);
  if (watch().changed.empty()) watch().changed = file;
}

}  // namespace espalier
