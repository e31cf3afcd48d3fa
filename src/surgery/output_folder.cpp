#include "surgery/output_folder.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/input_watch.h"
#include "base/output_path.h"
#include "surgery/carried_files.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

bool lies_in(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

bool is_of_a_model(const fs::path& file) {
  const std::string name = file.string();
  return name == "config.json" || (name.starts_with("model") && (name.ends_with(".safetensors") ||
                                                                 name.ends_with(".safetensors.index.json")));
}

}  // namespace

void expect_apart(const fs::path& out, const fs::path& input) {
  const fs::path to = settled_path(out), from = settled_path(input);
  if (!lies_in(to, from) && !lies_in(from, to)) return;
  throw UserError(fmt::format("{}: the output folder is, holds or lies in the model's folder {}",
                              out.string(), input.string()),
                  "name another output folder");
}

StagedFolder stage_model(const fs::path& out, IfExists if_exists, const Checkpoint& model,
                         const std::string& recipe, const NoteSink& note) {
  expect_apart(out, model.folder());
  const CheckpointIdentity identity = model.identity();
  std::string work = recipe + identity.sha256 + identity.stamps;
  for (const fs::path& file : carried_files(model.folder()).files) {
    const FileStamp stamp = stamp_of(model.folder() / file);
    work += fmt::format("{} {} {} {}\n", file.string(), stamp.bytes, stamp.inode, stamp.changed_nanoseconds);
  }
  return StagedFolder(out, if_exists, sha256(work), note);
}

void commit_model(StagedFolder& folder) {
  folder.commit(is_of_a_model);
}

}  // namespace espalier
