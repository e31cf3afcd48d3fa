#include "base/scratch_folder.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace espalier {

ScratchFolder::ScratchFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "espalier-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw UserError(fmt::format("{}: cannot be created: {}", pattern, std::strerror(errno)),
                    "TMPDIR in the environment names the folder for temporary files");
  }
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace espalier
