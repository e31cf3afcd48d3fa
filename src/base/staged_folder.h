#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/folder_lock.h"
#include "base/progress.h"

namespace espalier {

/// A folder that is written as OUT.partial and takes OUT's place in one step when complete: whenever the
/// process is killed, OUT is the old folder or the new one. docs/design/files.md has every step.
class StagedFolder {
 public:
  /// `work` says all that the result follows from, in one line. What a killed run of the same work left is
  /// kept for this one to go on with; what other work left is removed. Empty: nothing is kept. Throws
  /// UserError where `check_output_folder` does, where OUT.partial is not ours, and where another process is
  /// writing.
  StagedFolder(const std::filesystem::path& out, IfExists if_exists, std::string_view work,
               const NoteSink& note);

  /// Whether OUT is the result of this work already, each file of its size.
  bool is_done() const { return done_; }
  const std::filesystem::path& path() const { return partial_; }

  /// Takes OUT's place. What OUT had and `path()` has not comes along, but for files that `goes` names.
  void commit(const std::function<bool(const std::filesystem::path& relative)>& goes);
  /// Removes `path()` and all that is in it.
  void discard();

 private:
  void open_partial(const NoteSink& note);

  std::filesystem::path out_, partial_;
  std::string work_;
  std::optional<FolderLock> lock_;
  bool done_ = false;
};

/// Ends what a killed `commit` began. Whoever opens the folder calls it: where the file system cannot
/// exchange two folders in one call, there is none of this name in between.
void finish_replacement(const std::filesystem::path& out);

/// Removes a folder; killed at any time, there is the whole folder or none of this name.
void remove_folder(const std::filesystem::path& folder);

}  // namespace espalier
