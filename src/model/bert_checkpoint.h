#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "model/bert.h"

namespace espalier {

/// A new model with random weights: normal(0, initializer_range), biases 0, norms 1. Each tensor's numbers
/// depend on `seed` and its name alone. Has a masked-language-model head and a pooler.
BertModel initialize_bert(const BertMoeConfig& config, std::uint64_t seed);

/// Builds the model a `bert` or `espalier_bert_moe` checkpoint holds, float32; heads only where the file has
/// them. Names may lack the prefix `bert.`. Throws UserError naming missing or mis-shaped tensors.
BertModel load_bert(const Checkpoint& checkpoint);

/// Writes config.json and model.safetensors (dtype F32 or BF16), one tensor per expert and projection.
void save_bert(const BertModel& model, const std::filesystem::path& folder, Dtype dtype);

struct UpcycleOptions {
  std::int64_t num_experts = 8;
  std::vector<std::int64_t> moe_layers;  ///< 0-based blocks
  std::int64_t experts_per_token = 1;
  double router_noise = 0.02;  ///< standard deviation of the router's rows
  std::uint64_t seed = 0;
};

/// Copies each listed block's FFN into `num_experts` experts (Komatsuzaki et al. 2023, sparse upcycling) with
/// a small random router. At the start every gate is about 1/E, so K gates add up to K/E and would shrink the
/// layer's output; the experts' output projections are therefore multiplied by E/K, and step 0 is close to
/// the dense model.
BertModel upcycle(const BertModel& dense, const UpcycleOptions& options);

/// A masked-language-model head with fresh weights, where the model has none.
void ensure_mlm_head(BertModel& model, std::uint64_t seed);

/// A classification (labels > 1) or regression (labels = 1) head with fresh weights, replacing any there is;
/// adds a pooler where the model has none.
void reset_classifier(BertModel& model, std::int64_t labels, std::uint64_t seed);

}  // namespace espalier
