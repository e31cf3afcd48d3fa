#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "arch/vmoe_config.h"
#include "checkpoint/checkpoint.h"
#include "model/bert.h"

namespace espalier {

/// One pre-norm block: x += attention(norm(x)); x += feed_forward(norm(x)).
struct VmoeBlock {
  LayerNorm attention_norm;
  Linear qkv;               // [3D, D]: query, key, value one above the other
  Linear attention_output;  // [D, D]
  LayerNorm feed_forward_norm;
  std::variant<FfnWeights, MoeLayer> feed_forward;
};

/// A vision transformer in which some blocks carry a MoE layer in the FFN's place (V-MoE, Riquelme et al.
/// 2021), as an ensemble where the config says so (E3, Allingham et al. 2022).
struct VmoeModel {
  VmoeConfig config;
  Linear patch;               // [D, P * P * 3]: a patch's rows of pixels, red, green and blue of each
  torch::Tensor class_token;  // [D]
  torch::Tensor position;     // [1 + patches, D]
  std::vector<VmoeBlock> blocks;
  LayerNorm norm;
  Linear classifier;  // [labels, D], on the class token
};

/// Calls `visit` with each parameter and its name, in a fixed order. Names are those of the checkpoint, but
/// for the fused `attention.qkv` and the stacked `moe.experts.{up,up_bias,down,down_bias}`.
void visit_parameters(VmoeModel& model, const std::function<void(const std::string&, torch::Tensor&)>& visit);

std::int64_t parameter_count(const VmoeModel& model);

struct VmoeOutput {
  torch::Tensor scores;  // [M * B, labels], member after member; M is 1 but for ensembles
  torch::Tensor
      router_loss;  // scalar: importance and load loss, sum over the MoE layers; undefined without any
};

/// pixels [B, S, S, 3], -1 to 1. Throws UserError for another image size than the config's.
VmoeOutput forward(const VmoeModel& model, const torch::Tensor& pixels, const ForwardOptions& options);

/// A model of the config's shapes: weights 0, norms 1. What `initialize_vmoe` and `load_vmoe` fill.
VmoeModel shaped_vmoe(const VmoeConfig& config);

/// A new model: normal(0, initializer_range) weights, biases 0, norms 1, the classifier 0. Each tensor's
/// numbers depend on `seed` and its name alone.
VmoeModel initialize_vmoe(const VmoeConfig& config, std::uint64_t seed);

/// Throws UserError naming missing or mis-shaped tensors.
VmoeModel load_vmoe(const Checkpoint& checkpoint);

/// Writes config.json and model.safetensors (F32 or BF16), one tensor per expert and projection.
void save_vmoe(const VmoeModel& model, const std::filesystem::path& folder, Dtype dtype);

/// Another classifier, zero as it is usual for fine-tuning vision transformers.
void reset_classifier(VmoeModel& model, std::vector<std::string> labels);

/// Position embeddings for images of another size: the patches' grid is resized bilinearly, the class token's
/// stays (Dosovitskiy et al. 2021, 3.2). position [1 + old * old, D] -> [1 + size * size, D].
torch::Tensor resized_positions(const torch::Tensor& position, std::int64_t size);
/// The model for images of `image_size`. Throws UserError where the patch size does not divide it.
void set_image_size(VmoeModel& model, std::int64_t image_size);

}  // namespace espalier
