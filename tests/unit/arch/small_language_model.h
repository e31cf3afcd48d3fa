#pragma once

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "arch/moe_families.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/rng.h"
#include "checkpoint/checkpoint.h"

namespace espalier::testing {

using nlohmann::json;

/// A tensor of a small model whose values are a function of the seed in its `values`: tensors of different
/// names differ in every element, and a test can tell whose bytes it finds.
struct SmallTensor {
  std::string name;
  Dtype dtype = Dtype::kBF16;
  std::vector<std::int64_t> shape;
};

constexpr std::int64_t kSmallWidth = 4, kSmallInner = 6, kSmallVocabulary = 10, kSmallExperts = 8;

inline bool is_plain_float(Dtype dtype) {
  return dtype == Dtype::kF32 || dtype == Dtype::kBF16 || dtype == Dtype::kF16;
}

/// Normal numbers for floats, any bytes for other types.
inline std::vector<std::byte> bytes_of(const SmallTensor& tensor) {
  std::size_t elements = 1;
  for (const auto size : tensor.shape) elements *= static_cast<std::size_t>(size);
  std::vector<std::byte> bytes(elements * size_bytes(tensor.dtype));
  Rng random(std::hash<std::string>{}(tensor.name));
  if (is_plain_float(tensor.dtype)) {
    std::vector<float> values(elements);
    for (float& value : values) value = static_cast<float>(random.normal());
    from_float32(tensor.dtype, values, bytes);
  } else {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.below(256));
  }
  return bytes;
}

/// config.json of a small model of any family: 3 blocks (an encoder-decoder: 2 and 2), 8 experts, K = 2.
inline json small_config(const std::string& model_type) {
  const MoeFamily& family = *find_moe_family(model_type);
  json config{{"model_type", model_type}, {"vocab_size", kSmallVocabulary}, {"other", {{"kept", true}}}};
  if (family.pattern == MoePattern::kEncoderDecoder) {
    config.update({{"d_model", kSmallWidth},
                   {"num_heads", 2},
                   {"num_layers", 2},
                   {"num_decoder_layers", 2},
                   {"num_sparse_encoder_layers", 1},
                   {"num_sparse_decoder_layers", 1}});
  } else {
    config.update({{"hidden_size", kSmallWidth}, {"num_attention_heads", 2}, {"num_hidden_layers", 3}});
  }
  config[std::string(family.experts_field)] = kSmallExperts;
  if (!family.experts_per_token_field.empty()) config[std::string(family.experts_per_token_field)] = 2;
  config[std::string(family.expert_width_field)] = kSmallInner;
  if (family.pattern == MoePattern::kAfterDenseBlocks) config["first_k_dense_replace"] = 1;
  if (family.pattern == MoePattern::kSparseStep) config["mlp_only_layers"] = {1};
  if (family.groups != MoeGroups::kNone)
    config.update({{"n_group", 2}, {"topk_group", 1}, {"topk_method", "group_limited_greedy"}});
  if (family.tail == MoeTail::kNextTokenLayers) config["num_nextn_predict_layers"] = 1;
  return config;
}

enum class SmallStorage {
  kPublished,
  kStacked
};  ///< as the family is published; stacked, as libraries hold it

inline void add_expert(std::vector<SmallTensor>& out, const std::string& prefix,
                       const std::vector<std::string>& projections, const std::string& down) {
  for (const std::string& projection : projections)
    out.push_back({prefix + projection + ".weight", Dtype::kBF16, {kSmallInner, kSmallWidth}});
  out.push_back({prefix + down + ".weight", Dtype::kBF16, {kSmallWidth, kSmallInner}});
}

/// Experts and router of one block, whose module is `prefix` ("model.layers.0.").
inline void add_moe(std::vector<SmallTensor>& out, const std::string& type, const std::string& prefix,
                    SmallStorage storage) {
  const std::int64_t E = kSmallExperts, D = kSmallWidth, F = kSmallInner;
  const bool block_sparse = type == "mixtral" || type == "phimoe";
  const std::string mlp = prefix + (block_sparse ? "block_sparse_moe." : "mlp.");
  if (type == "gpt_oss") {
    out.push_back({mlp + "router.weight", Dtype::kBF16, {E, D}});
    out.push_back({mlp + "router.bias", Dtype::kBF16, {E}});
    for (const auto& [projection, rows] : {std::pair{"gate_up", 2 * F}, {"down", D}}) {
      const std::string name = mlp + "experts." + projection + "_proj_";
      out.push_back({name + "blocks", Dtype::kU8, {E, rows, 3, 16}});
      out.push_back({name + "scales", Dtype::kU8, {E, rows, 3}});
      out.push_back({name + "bias", Dtype::kBF16, {E, rows}});
    }
    return;
  }
  if (type == "granitemoe") {
    const std::string moe = prefix + "block_sparse_moe.";
    out.push_back({moe + "input_linear.weight", Dtype::kBF16, {E, 2 * F, D}});
    out.push_back({moe + "output_linear.weight", Dtype::kBF16, {E, D, F}});
    out.push_back({moe + "router.layer.weight", Dtype::kF32, {E, D}});
    return;
  }
  if (type == "switch_transformers") {
    out.push_back({mlp + "router.classifier.weight", Dtype::kF32, {E, D}});
    for (std::int64_t e = 0; e < E; ++e)
      add_expert(out, mlp + "experts.expert_" + std::to_string(e) + ".", {"wi"}, "wo");
    return;
  }
  out.push_back({mlp + "gate.weight", Dtype::kBF16, {E, D}});
  if (type == "deepseek_v3" || type == "glm4_moe")
    out.push_back({mlp + "gate.e_score_correction_bias", Dtype::kF32, {E}});
  if (type.starts_with("deepseek") || type == "glm4_moe")
    add_expert(out, mlp + "shared_experts.", {"gate_proj", "up_proj"}, "down_proj");
  if (type == "qwen2_moe") {
    add_expert(out, mlp + "shared_expert.", {"gate_proj", "up_proj"}, "down_proj");
    out.push_back({mlp + "shared_expert_gate.weight", Dtype::kBF16, {1, D}});
  }
  if (storage == SmallStorage::kStacked) {
    out.push_back({mlp + "experts.gate_up_proj", Dtype::kBF16, {E, 2 * F, D}});
    out.push_back({mlp + "experts.down_proj", Dtype::kBF16, {E, D, F}});
    return;
  }
  for (std::int64_t e = 0; e < E; ++e) {
    const std::string expert = mlp + "experts." + std::to_string(e) + ".";
    if (block_sparse)
      add_expert(out, expert, {"w1", "w3"}, "w2");
    else
      add_expert(out, expert, {"gate_proj", "up_proj"}, "down_proj");
  }
}

/// The tensors of `small_config`; with an odd-sized one, so that nothing after it is aligned by chance.
inline std::vector<SmallTensor> small_tensors(const std::string& type,
                                              SmallStorage storage = SmallStorage::kPublished) {
  const MoeFamily& family = *find_moe_family(type);
  std::vector<SmallTensor> out;
  if (family.pattern == MoePattern::kEncoderDecoder) {
    out.push_back({"shared.weight", Dtype::kF32, {kSmallVocabulary, kSmallWidth}});
    for (const std::string block : {"encoder.block.0.layer.1.", "decoder.block.0.layer.2."})
      add_expert(out, block + "mlp.", {"wi"}, "wo");
    add_moe(out, type, "encoder.block.1.layer.1.", storage);
    add_moe(out, type, "decoder.block.1.layer.2.", storage);
    return out;
  }
  out.push_back({"model.embed_tokens.weight", Dtype::kBF16, {kSmallVocabulary, kSmallWidth}});
  out.push_back({"model.odd", Dtype::kU8, {3}});
  const int blocks = family.tail == MoeTail::kNextTokenLayers ? 4 : 3;
  for (int block = 0; block < blocks; ++block) {
    const std::string prefix = "model.layers." + std::to_string(block) + ".";
    out.push_back({prefix + "input_layernorm.weight", Dtype::kF32, {kSmallWidth}});
    const bool dense = (family.pattern == MoePattern::kAfterDenseBlocks && block == 0) ||
                       (family.pattern == MoePattern::kSparseStep && block == 1);
    if (dense)
      add_expert(out, prefix + "mlp.", {"gate_proj", "up_proj"}, "down_proj");
    else
      add_moe(out, type, prefix, storage);
  }
  if (blocks == 4) out.push_back({"model.layers.3.eh_proj.weight", Dtype::kBF16, {kSmallWidth, 8}});
  return out;
}

/// Writes the folder: tensor i into shard i % shards.
inline Checkpoint store(const std::filesystem::path& folder, const json& config,
                        const std::vector<SmallTensor>& tensors, std::size_t shards = 1) {
  std::filesystem::create_directories(folder);
  write_file(folder / "config.json", dump_json(config));
  std::vector<std::vector<TensorSource>> files(shards);
  json weight_map;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const SmallTensor& tensor = tensors[i];
    files[i % shards].push_back({tensor.name, tensor.dtype, tensor.shape, [tensor](std::span<std::byte> out) {
                                   const auto bytes = bytes_of(tensor);
                                   std::copy(bytes.begin(), bytes.end(), out.begin());
                                 }});
    weight_map[tensor.name] = "model-" + std::to_string(i % shards) + ".safetensors";
  }
  if (shards == 1) {
    write_safetensors(folder / "model.safetensors", files[0]);
  } else {
    for (std::size_t i = 0; i < shards; ++i)
      write_safetensors(folder / ("model-" + std::to_string(i) + ".safetensors"), files[i]);
    write_file(folder / "model.safetensors.index.json",
               dump_json({{"metadata", {{"total_size", 1}}}, {"weight_map", weight_map}}));
  }
  return Checkpoint::open(folder);
}

inline Checkpoint store_small(const std::filesystem::path& folder, const std::string& type,
                              SmallStorage storage = SmallStorage::kPublished, std::size_t shards = 1) {
  return store(folder, small_config(type), small_tensors(type, storage), shards);
}

}  // namespace espalier::testing
