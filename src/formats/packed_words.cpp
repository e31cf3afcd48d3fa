#include "formats/packed_words.h"

#include <fmt/format.h>

#include "base/error.h"

namespace espalier::formats {

void expect_order(const Part& part, std::int64_t groups) {
  const std::size_t inputs = part.bytes.size() / size_bytes(Dtype::kI32);
  for (std::size_t i = 0; i < inputs; ++i) {
    const std::int64_t group = integer_at(Dtype::kI32, part.bytes, i);
    if (group >= 0 && group < groups) continue;
    throw UserError(fmt::format("tensor {}: input {} is of group {}, expected one from 0 to {}", part.name, i,
                                group, groups - 1),
                    "the files are damaged, or were written wrongly: fetch the checkpoint anew");
  }
}

}  // namespace espalier::formats
