#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "checkpoint/checkpoint.h"

namespace espalier {

struct MistralExport {
  std::uint64_t parameters = 0;
  Dtype dtype = Dtype::kF32;  ///< of the first weight written
};

/// Writes a mixtral with one expert in each layer as an ordinary dense Mistral: its experts become
/// `mlp.{gate,up,down}_proj`, the routers go (the softmax over one expert is 1), config.json becomes a
/// mistral's, and tokenizer files come along. Weights keep their bytes, or are written in `dtype`. `folder`
/// exists. Throws UserError naming the layers that have more experts, and for other families and quantised
/// weights.
MistralExport export_mistral(const Checkpoint& model, const std::filesystem::path& folder,
                             std::optional<Dtype> dtype);
/// What it would write; the checks alone.
MistralExport describe_mistral(const Checkpoint& model, std::optional<Dtype> dtype);

}  // namespace espalier
