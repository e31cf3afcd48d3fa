#pragma once

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "arch/tensor_table.h"
#include "arch/write_counts.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/rng.h"
#include "checkpoint/checkpoint.h"

namespace espalier::fixtures {

using nlohmann::json;

/// A tensor of a small model whose values are a function of the seed in its `values`: tensors of different
/// names differ in every element, and a test can tell whose bytes it finds.
struct SmallTensor {
  std::string name;
  Dtype dtype = Dtype::kBF16;
  std::vector<std::int64_t> shape;
};

constexpr std::int64_t kSmallWidth = 4, kSmallInner = 6, kSmallVocabulary = 10, kSmallExperts = 8;
constexpr std::int64_t kPackedWidth = 32;  // D and F of a model in MXFP4

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
    const bool exponents = tensor.name.ends_with("_scales");  // of two, 127 more than they are
    for (std::byte& byte : bytes)
      byte = static_cast<std::byte>(exponents ? 120 + random.below(8) : random.below(256));
  }
  return bytes;
}

/// config.json of a small model of any family: 3 blocks (an encoder-decoder: 2 and 2), 8 experts, K = 2.
/// Families read what they know of it.
inline json small_config(const std::string& model_type) {
  const arch::ConfigNames& names = arch::family_named(model_type).config;
  json config{{"vocab_size", kSmallVocabulary},
              {"other", {{"kept", true}}},
              {"hidden_size", kSmallWidth},
              {"num_attention_heads", 2},
              {"num_hidden_layers", 3},
              {"intermediate_size", kSmallInner},
              {"moe_intermediate_size", kSmallInner},
              {"shared_expert_intermediate_size", kSmallInner},
              {"first_k_dense_replace", 1},
              {"mlp_only_layers", {1}},
              {"n_shared_experts", 1},
              {"n_group", 2},
              {"topk_group", 1},
              {"num_nextn_predict_layers", 1},
              {"q_lora_rank", nullptr},
              {"kv_lora_rank", 4},
              {"qk_nope_head_dim", 2},
              {"qk_rope_head_dim", 2},
              {"v_head_dim", 2},
              {"partial_rotary_factor", 1.0}};
  if (model_type == "phimoe" || model_type == "gpt_oss" || model_type == "granitemoe") {  // they have no such
    for (const char* field :
         {"moe_intermediate_size", "shared_expert_intermediate_size", "first_k_dense_replace",
          "mlp_only_layers", "n_shared_experts", "num_nextn_predict_layers"})
      config.erase(field);
  }
  // Blocks of 32 values share a scale.
  if (model_type == "gpt_oss") config["hidden_size"] = config["intermediate_size"] = kPackedWidth;
  if (model_type == "deepseek_v2") config["topk_method"] = "group_limited_greedy";
  if (model_type == "switch_transformers")
    config.update({{"d_model", kSmallWidth},
                   {"d_ff", kSmallInner},
                   {"num_heads", 2},
                   {"num_layers", 2},
                   {"num_decoder_layers", 2},
                   {"num_sparse_encoder_layers", 1},
                   {"num_sparse_decoder_layers", 1}});
  config[std::string(names.experts)] = kSmallExperts;
  if (!names.experts_per_token.empty()) config[std::string(names.experts_per_token)] = 2;
  if (!names.nested.empty()) config = json{{std::string(names.nested), std::move(config)}};
  config["model_type"] = model_type;
  return config;
}

/// The part of a small config that describes the language model.
inline json& described(json& config) {
  const std::string nested(arch::family_named(config.at("model_type").get<std::string>()).config.nested);
  return nested.empty() ? config : config.at(nested);
}

/// The families that `small_config` is a config of: one at least of each way to store experts. All families
/// have goldens besides.
inline std::vector<arch::Family> language_models() {
  std::vector<arch::Family> models;
  for (const char* type :
       {"mixtral", "phimoe", "qwen2_moe", "qwen3_moe", "qwen3_vl_moe", "olmoe", "deepseek", "deepseek_v2",
        "deepseek_v3", "glm4_moe", "glm4_moe_lite", "gpt_oss", "granitemoe", "switch_transformers"})
    models.push_back(arch::family_named(type));
  return models;
}

enum class SmallStorage {
  kPublished,
  kStacked
};  ///< as the family is published; stacked, as libraries hold it

/// The row of a role's tensor: the published one, or one that stacks experts where there is one.
inline const arch::TensorRow& small_row(const arch::TensorNames& names, const arch::TensorKey& key,
                                        arch::Stack stack, SmallStorage storage) {
  const auto rows = names.rows(key.role, key.part, stack);
  for (const arch::TensorRow* row : rows)
    if (storage == SmallStorage::kStacked && row->storage != arch::Storage::kOwn) return *row;
  return *rows.at(0);
}

inline SmallTensor small_tensor(const arch::ModelSpec& spec, const arch::ExpectedTensor& expected,
                                SmallStorage storage) {
  const arch::TensorNames& names = arch::names_of(spec.family);
  std::int64_t block = expected.key.block;
  const bool in_decoder = spec.encoder_blocks > 0 && block >= spec.encoder_blocks;
  arch::Stack stack = spec.encoder_blocks > 0 && block >= 0 ? arch::Stack::kEncoder : arch::Stack::kOnly;
  if (in_decoder) {
    stack = arch::Stack::kDecoder;
    block -= spec.encoder_blocks;
  }
  const arch::TensorRow& row = small_row(names, expected.key, stack, storage);
  const bool exact =
      expected.shape.size() == 1 && expected.key.part != arch::Part::kBias;  // norms, corrections
  return {names.name(row, block, expected.key.expert), exact ? Dtype::kF32 : Dtype::kBF16,
          arch::stored_shape(expected, row.storage, kSmallExperts)};
}

/// gpt_oss is published in MXFP4.
inline void add_packed(std::vector<SmallTensor>& out, const SmallTensor& tensor) {
  const std::int64_t E = tensor.shape[0], blocks = tensor.shape[1] / 32, rows = tensor.shape[2];
  out.push_back({tensor.name + "_blocks", Dtype::kU8, {E, rows, blocks, 16}});
  out.push_back({tensor.name + "_scales", Dtype::kU8, {E, rows, blocks}});
}

/// The tensors of `small_config`, by the tensor table; with an odd-sized one, so that nothing after it is
/// aligned by chance.
inline std::vector<SmallTensor> small_tensors(const std::string& type,
                                              SmallStorage storage = SmallStorage::kPublished) {
  const arch::ModelSpec spec = arch::read_spec(small_config(type), "config.json");
  std::vector<SmallTensor> out{{"model.odd", Dtype::kU8, {3}}};
  std::set<std::string> names;  // gate and up may share a tensor, and experts
  const auto add = [&](const arch::ExpectedTensor& expected) {
    const SmallTensor tensor = small_tensor(spec, expected, storage);
    if (!names.insert(tensor.name).second) return;
    const bool packed = type == "gpt_oss" && arch::is_of_expert(expected.key.role) &&
                        expected.key.part == arch::Part::kWeight;
    packed ? add_packed(out, tensor) : out.push_back(tensor);
  };
  for (arch::ExpectedTensor expected : arch::expected_tensors(spec)) {
    add(expected);
    if (expected.key.block != spec.layers() - 1) continue;
    for (std::int64_t next = 0; next < spec.next_token.layers; ++next) {
      ++expected.key.block;
      add(expected);
    }
  }
  if (spec.next_token.layers > 0)
    out.push_back({"model.layers.3.eh_proj.weight", Dtype::kBF16, {kSmallWidth, 8}});
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

}  // namespace espalier::fixtures
