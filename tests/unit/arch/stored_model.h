#pragma once

#include <algorithm>
#include <functional>

#include "arch/bert_config.h"
#include "arch/bert_tensors.h"
#include "base/files.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"

namespace espalier::fixtures {

/// A tiny MoE model: 3 blocks, MoE layers in 0 and 2 with 4 experts each.
inline BertMoeConfig tiny_moe_config() {
  BertMoeConfig config;
  config.vocab_size = 11;
  config.hidden_size = 4;
  config.num_hidden_layers = 3;
  config.num_attention_heads = 2;
  config.intermediate_size = 6;
  config.max_position_embeddings = 5;
  config.set_moe({0, 2}, 4);
  config.num_experts_per_tok = 2;
  return config;
}

/// What a test changes before a model is written.
using Change = std::function<void(std::vector<TensorSource>&)>;

/// Writes config.json and all expected tensors, zeros, into `folder`, and opens it.
inline Checkpoint store_model(const std::filesystem::path& folder, const BertMoeConfig& config,
                              Dtype dtype = Dtype::kBF16, const Change& change = {}) {
  std::vector<TensorSource> tensors;
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    tensors.push_back({tensor.name, dtype, tensor.shape,
                       [](std::span<std::byte> out) { std::fill(out.begin(), out.end(), std::byte{0}); }});
  }
  if (change) change(tensors);
  write_file(folder / "config.json", dump_json(to_json(config)));
  write_safetensors(folder / "model.safetensors", std::move(tensors));
  return Checkpoint::open(folder);
}

}  // namespace espalier::fixtures
