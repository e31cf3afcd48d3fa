#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "arch/vmoe_config.h"
#include "checkpoint/partitioned_checkpoint.h"

namespace espalier {

/// What the published files do not say of a model: its shapes tell the rest.
struct VmoeImportOptions {
  std::int64_t experts_per_token = 2;
  std::optional<double> capacity_factor = 1.5;
  std::int64_t ensemble_size = 1;
  std::vector<std::string> labels;  ///< empty: LABEL_0, ..
};

struct ImportedVmoe {
  VmoeConfig config;
  std::map<std::string, PartitionedArray> tensors;  // by our names, in our layout
  std::vector<std::string> left_out;                // arrays that no part of the model reads
};

/// V-MoE and E3 as their authors publish them (arrays by `read_partitioned_checkpoint`, names without
/// `prefix`): flax's kernels [in, out] become [out, in], experts [E, ..] become a tensor each. Throws
/// UserError naming arrays that are missing or whose shapes do not make a model.
///
/// The authors' experts use the tanh approximation of GELU, ours the exact one: outputs differ by about 1e-3.
ImportedVmoe import_vmoe(const std::map<std::string, PartitionedArray>& arrays, std::string_view prefix,
                         const VmoeImportOptions& options, std::string_view source);

/// Writes config.json and model.safetensors.
void write_imported(const ImportedVmoe& imported, const std::filesystem::path& folder, Dtype dtype);

}  // namespace espalier
