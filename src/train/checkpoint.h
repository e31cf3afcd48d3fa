#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "train/transformer.h"

namespace espalier::train {

/// Builds the model that a checkpoint holds, in float32; of an encoder's heads those that the file has.
/// Throws UserError for what `arch::describe` refuses, for a family that is not run, and for weights that
/// several share a number.
Transformer load(const Checkpoint& checkpoint);

struct Parameter;

/// Writes config.json and model.safetensors (F32 or BF16), one tensor for each role; F32 whatever the dtype
/// are those that `rounded` is given and refuses. A config has one K for all layers: the fewest experts,
/// where layers have less than K.
void save(const Transformer& model, const std::filesystem::path& folder, Dtype dtype,
          const std::function<bool(const Parameter&)>& rounded = {});

/// New weights for a config.json: normal(0, initializer_range), norms 1, biases 0; position tables of text
/// are sinusoids, class tokens and classifiers of images 0. A function of seed and names alone. An encoder
/// gets a masked-word head and a pooler. Throws UserError for what `arch::read_spec` refuses.
Transformer initialize(const nlohmann::json& config, std::string_view source, std::uint64_t seed);

/// A masked-word head with fresh weights, where the model has none.
void ensure_masked_words(Transformer& model, std::uint64_t seed);
void drop_masked_words(Transformer& model);
void drop_classifier(Transformer& model);

/// A classification (several labels) or regression (one) head with fresh weights, in the place of any there
/// is; adds a pooler where the model has none. Of images: zeros.
void reset_classifier(Transformer& model, std::vector<std::string> labels, std::uint64_t seed);

/// Position embeddings for images of another size: the patches' grid is resized bilinearly, the class token's
/// stays (Dosovitskiy et al. 2021, 3.2). position [1 + old * old, D] -> [1 + size * size, D].
torch::Tensor resized_positions(const torch::Tensor& position, std::int64_t size);
/// The model for images of `image_size`. Throws UserError where the patch size does not divide it.
void set_image_size(Transformer& model, std::int64_t image_size);

}  // namespace espalier::train
