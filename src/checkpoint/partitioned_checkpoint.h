#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/dtype.h"

namespace espalier {

/// One array of a partitioned checkpoint, put together.
struct PartitionedArray {
  std::vector<std::int64_t> shape;
  std::vector<float> values;  // row-major
};

/// A checkpoint as the authors of V-MoE write it (google-research/vmoe, vmoe/checkpoints): PREFIX.index,
/// MessagePack with every array's shape and slices, and PREFIX.data-00000-of-0000N, MessagePack with the
/// slices. Names are the keys of the tree from its root, joined by '/':
/// "params/Encoder/encoderblock_1/Moe/Router/dense/kernel".
///
/// Reads the arrays whose names begin with `under`, as float32. Throws UserError naming file and array: a
/// shard that is missing or damaged, slices that leave gaps or reach over the edge, dtypes other than F32,
/// BF16, F16, and what flax would have cut into pieces in a way this reader does not know.
std::map<std::string, PartitionedArray> read_partitioned_checkpoint(const std::filesystem::path& prefix,
                                                                    std::string_view under);

/// Where the model's parameters begin: "params/", "optimizer/target/", .. or "" for a tree that holds them
/// alone.
std::string parameters_prefix(const std::filesystem::path& prefix);

}  // namespace espalier
