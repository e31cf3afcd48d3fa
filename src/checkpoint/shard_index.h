#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// model.safetensors.index.json: which file of the folder holds which tensor.
struct ShardIndex {
  std::map<std::string, std::string, std::less<>> file_of_tensor;
  std::vector<std::string> files;  ///< sorted, each once
};

/// Throws UserError for anything but an object whose `weight_map` maps tensors to plain file names (a name
/// with a folder in it could reach outside the checkpoint).
ShardIndex parse_shard_index(std::string_view bytes, std::string_view source);

}  // namespace espalier
