#include "checkpoint/shard_index.h"

#include <cstdlib>

#include "base/error.h"

// Whatever the bytes: a UserError, or file names that stay in the folder.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const ShardIndex index = parse_shard_index({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const std::string& file : index.files) {
      if (file.empty() || file == ".." || file.find('/') != std::string::npos) std::abort();
    }
    if (index.files.size() > index.file_of_tensor.size()) std::abort();
  } catch (const UserError&) {
  }
  return 0;
}
