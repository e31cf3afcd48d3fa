#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "arch/vmoe_config.h"
#include "checkpoint/checkpoint.h"

namespace espalier {

struct VmoeTensor {
  std::string name;
  std::vector<std::int64_t> shape;
};

/// Every tensor of an `espalier_vmoe` checkpoint, in the order of the forward pass.
std::vector<VmoeTensor> vmoe_tensors(const VmoeConfig& config);

/// Throws UserError as `arch::describe` does.
void check_vmoe(const Checkpoint& checkpoint);

/// config.json of a checkpoint.
VmoeConfig vmoe_config(const Checkpoint& checkpoint);

/// Writes `folder`/model.safetensors and config.json, with the dtype that its tensors have.
void write_vmoe_folder(const std::filesystem::path& folder, const VmoeConfig& config,
                       std::vector<TensorSource> tensors, Dtype dtype);

}  // namespace espalier
