#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "arch/bert_tensors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/rng.h"
#include "infer/encoder.h"
#include "temporary_folder.h"

namespace espalier {

/// An encoder small enough for plain loops; widths are odd where they may be.
inline BertMoeConfig small_encoder_config(std::vector<std::int64_t> moe_layers = {1},
                                          std::int64_t experts = 4) {
  BertMoeConfig config;
  config.vocab_size = 61;
  config.hidden_size = 24;
  config.num_hidden_layers = 3;
  config.num_attention_heads = 3;
  config.intermediate_size = 37;
  config.max_position_embeddings = 20;
  if (!moe_layers.empty()) config.set_moe(std::move(moe_layers), experts);
  return config;
}

/// A random checkpoint on disk with every head, biases and norms that are not 0 and 1, and weights rounded to
/// `dtype`; `change` may alter a tensor's numbers.
class SmallEncoder {
 public:
  using Change = std::function<void(const std::string& name, std::vector<float>& values)>;
  explicit SmallEncoder(const BertMoeConfig& config, Dtype dtype = Dtype::kF32, const Change& change = {}) {
    Rng rng(1);
    std::vector<TensorSource> sources;
    for (const ExpectedTensor& tensor : expected_tensors(config)) {
      const bool vector = tensor.shape.size() == 1;
      const double center = tensor.name.ends_with("LayerNorm.weight") ? 1.0 : 0.0;
      const double deviation = vector ? 0.1 : 0.9 / std::sqrt(static_cast<double>(tensor.shape.back()));
      std::vector<float> values;
      for (std::int64_t i = 0; i < tensor.elements(); ++i)
        values.push_back(static_cast<float>(center + deviation * rng.normal()));
      if (change) change(tensor.name, values);
      sources.push_back({tensor.name, dtype, tensor.shape,
                         [values, dtype](std::span<std::byte> to) { from_float32(dtype, values, to); }});
    }
    write_safetensors(folder() / "model.safetensors", std::move(sources));
    write_file(folder() / "config.json", dump_json(to_json(config)));
  }

  const std::filesystem::path& folder() const { return folder_.path(); }
  infer::EncoderModel load() const { return infer::load_encoder(Checkpoint::open(folder())); }

 private:
  TemporaryFolder folder_;
};

}  // namespace espalier
