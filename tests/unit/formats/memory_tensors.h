#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/rng.h"
#include "formats/find_weight.h"

namespace espalier::formats {

/// Tensors in memory, as a checkpoint of them would give them.
class MemoryTensors {
 public:
  Quantization quantization;

  void add(const std::string& name, Dtype dtype, std::vector<std::int64_t> shape,
           std::vector<std::byte> bytes) {
    tensors_[name] = {dtype, std::move(shape), std::move(bytes)};
  }
  /// `values` rounded to a dtype of 16 or 32 bits.
  void add_floats(const std::string& name, Dtype dtype, std::vector<std::int64_t> shape,
                  const std::vector<float>& values) {
    std::vector<std::byte> bytes(values.size() * size_bytes(dtype));
    from_float32(dtype, values, bytes);
    add(name, dtype, std::move(shape), std::move(bytes));
  }
  void remove(const std::string& name) { tensors_.erase(name); }

  std::optional<Tensor> find(std::string_view name) const {
    const auto found = tensors_.find(std::string(name));
    if (found == tensors_.end()) return std::nullopt;
    const Owned& tensor = found->second;
    return Tensor{found->first, tensor.dtype, tensor.shape, tensor.bytes};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& [name, tensor] : tensors_) result.push_back(name);
    return result;
  }
  WeightSource source() const {
    return {"memory", quantization, [this](std::string_view name) { return find(name); }};
  }

 private:
  struct Owned {
    Dtype dtype = Dtype::kF32;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;
  };
  std::map<std::string, Owned> tensors_;
};

}  // namespace espalier::formats
