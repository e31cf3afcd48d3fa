#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/quantization.h"
#include "formats/tensor.h"
#include "formats/weight.h"

namespace espalier::formats {

/// Where weights are looked for: a checkpoint's tensors by name, and what its configuration says of them.
struct WeightSource {
  std::string name;  ///< for messages
  Quantization quantization;
  std::function<std::optional<Tensor>(std::string_view)> find;
};

/// The weight of a name ("model.norm.weight", "..experts.0.up_proj.weight") in whatever format it is stored;
/// nullopt where there is none. Throws UserError naming the tensor where a companion is missing or does not
/// fit, and where the format can only be counted.
std::optional<Weight> find_weight(const WeightSource& source, std::string_view name);

/// The main tensor of a weight, whether it can be read or not.
struct MainTensor {
  Tensor tensor;
  const WeightFormat* format = nullptr;
  /// Of the tensor that the weight stands for; nothing where the format is only counted.
  std::optional<std::vector<std::int64_t>> shape;
};

std::optional<MainTensor> find_main(const WeightSource& source, std::string_view weight);

/// What a tensor is: part 0 (main) or a companion of the weight of a name.
struct Place {
  const WeightFormat* format = nullptr;
  std::string weight;
  std::size_t part = 0;
};

Place place_of(const WeightSource& source, const Tensor& tensor);

/// Numbers that a tensor stands for, by the headers alone: as many as it has elements, or more where several
/// weights share one (MXFP4, int4), or none where it only scales or describes others.
std::int64_t parameters(const WeightSource& source, const Tensor& tensor);

}  // namespace espalier::formats
