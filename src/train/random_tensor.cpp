#include "train/random_tensor.h"

#include "base/rng.h"

namespace espalier::train {

torch::Tensor random_normal(at::IntArrayRef shape, double deviation, std::uint64_t seed,
                            std::string_view name) {
  std::uint64_t stream = 0;
  for (const char c : name) stream = mix64(stream ^ static_cast<unsigned char>(c));
  Rng rng(seed, stream);
  auto tensor = torch::empty(shape, torch::kFloat32);
  auto* value = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) value[i] = static_cast<float>(deviation * rng.normal());
  return tensor;
}

}  // namespace espalier::train
