#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "infer/decoder.h"

namespace espalier::infer {

/// Writes the model as its family's own checkpoint: `folder`/model.safetensors (one tensor per expert and
/// projection, weights in `dtype`, correction biases in F32) and config.json, which is `fields` with the
/// dtype. `load_decoder` reads it back.
void save_decoder(const DecoderModel& model, const nlohmann::json& fields,
                  const std::filesystem::path& folder, Dtype dtype);

}  // namespace espalier::infer
