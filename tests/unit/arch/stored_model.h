#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include "arch/family.h"
#include "arch/roles.h"
#include "arch/tensor_names.h"
#include "base/files.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "unit/arch/encoder_config.h"

namespace espalier::fixtures {

/// A tiny MoE model: 3 blocks, MoE layers in 0 and 2 with 4 experts each.
inline nlohmann::json tiny_moe_config() {
  nlohmann::json config{{"vocab_size", 11},         {"hidden_size", 4},       {"num_hidden_layers", 3},
                        {"num_attention_heads", 2}, {"intermediate_size", 6}, {"max_position_embeddings", 5},
                        {"num_experts_per_tok", 2}};
  set_moe(config, {0, 2}, 4);
  return config;
}

/// The name by which a role's tensor is published, of families that store every one by itself.
inline std::string published_name(const arch::ModelSpec& spec, const arch::TensorKey& key) {
  const arch::TensorNames& names = arch::names_of(spec.family);
  return names.name(*names.rows(key.role, key.part, arch::Stack::kOnly).at(0), key.block, key.expert);
}

/// What a test changes before a model is written.
using Change = std::function<void(std::vector<TensorSource>&)>;

/// Writes config.json and all expected tensors, zeros, into `folder`, and opens it.
inline Checkpoint store_model(const std::filesystem::path& folder, const nlohmann::json& config,
                              Dtype dtype = Dtype::kBF16, const Change& change = {}) {
  const arch::ModelSpec spec = arch::read_spec(config, "config.json");
  std::vector<TensorSource> tensors;
  for (const arch::ExpectedTensor& tensor : arch::expected_tensors(spec)) {
    tensors.push_back({published_name(spec, tensor.key), dtype, tensor.shape,
                       [](std::span<std::byte> out) { std::fill(out.begin(), out.end(), std::byte{0}); }});
  }
  if (change) change(tensors);
  write_file(folder / "config.json", dump_json(config));
  write_safetensors(folder / "model.safetensors", std::move(tensors));
  return Checkpoint::open(folder);
}

}  // namespace espalier::fixtures
