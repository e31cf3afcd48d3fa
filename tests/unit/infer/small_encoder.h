#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/rng.h"
#include "infer/encoder.h"
#include "temporary_folder.h"
#include "unit/arch/stored_model.h"

namespace espalier {

/// A random checkpoint on disk with every head, biases and norms that are not 0 and 1, and weights rounded to
/// `dtype`; `change` may alter a tensor's numbers.
class SmallEncoder {
 public:
  using Change = std::function<void(const std::string& name, std::vector<float>& values)>;
  explicit SmallEncoder(const nlohmann::json& config, Dtype dtype = Dtype::kF32, const Change& change = {}) {
    Rng rng(1);
    const arch::ModelSpec spec = arch::read_spec(config, "config.json");
    std::vector<TensorSource> sources;
    for (const arch::ExpectedTensor& tensor : arch::expected_tensors(spec)) {
      const std::string name = fixtures::published_name(spec, tensor.key);
      const bool vector = tensor.shape.size() == 1;
      const double center = name.ends_with("LayerNorm.weight") ? 1.0 : 0.0;
      const double deviation = vector ? 0.1 : 0.9 / std::sqrt(static_cast<double>(tensor.shape.back()));
      std::vector<float> values;
      for (std::int64_t i = 0; i < tensor.elements(); ++i)
        values.push_back(static_cast<float>(center + deviation * rng.normal()));
      if (change) change(name, values);
      sources.push_back({name, dtype, tensor.shape,
                         [values, dtype](std::span<std::byte> to) { from_float32(dtype, values, to); }});
    }
    write_safetensors(folder() / "model.safetensors", std::move(sources));
    write_file(folder() / "config.json", dump_json(config));
  }

  const std::filesystem::path& folder() const { return folder_.path(); }
  infer::EncoderModel load() const { return infer::load_encoder(Checkpoint::open(folder())); }

 private:
  TemporaryFolder folder_;
};

}  // namespace espalier
