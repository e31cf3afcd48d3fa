#include "train/weights_hash.h"

#include "base/hash.h"
#include "checkpoint/mapped_file.h"

namespace espalier {

std::string weights_hash(const Checkpoint& checkpoint) {
  Sha256 hash;
  for (const auto& file : checkpoint.files()) hash.update(MappedFile(file).bytes());
  return hash.hex();
}

}  // namespace espalier
