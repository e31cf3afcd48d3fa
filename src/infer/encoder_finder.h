#pragma once

#include <functional>
#include <string>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "infer/encoder_block.h"

namespace espalier::infer {

/// Takes the weights of encoders and vision models from where `tensor` finds them, as float32; names and
/// shapes are checked before.
class EncoderFinder {
 public:
  using Tensors = std::function<TensorView(const std::string& name)>;
  explicit EncoderFinder(Tensors tensor) : tensor_(std::move(tensor)) {}

  StoredWeight find(const std::string& name) const {
    const TensorView view = tensor_(name);
    const std::int64_t in = view.shape.back();
    return widened({formats::dense_weight({view.dtype, view.bytes}, view.elements() / in, in), {}});
  }
  StoredLinear linear(const std::string& name) const {
    return {find(name + ".weight"), find(name + ".bias")};
  }
  StoredNorm norm(const std::string& name) const { return {find(name + ".weight"), find(name + ".bias")}; }
  PlainFfn ffn(const std::string& name) const {
    return {linear(name + ".intermediate.dense"), linear(name + ".output.dense")};
  }
  std::vector<PlainFfn> experts(const std::string& moe, std::int64_t E) const {
    std::vector<PlainFfn> experts;
    for (std::int64_t e = 0; e < E; ++e) experts.push_back(ffn(moe + ".experts." + std::to_string(e)));
    return experts;
  }

 private:
  Tensors tensor_;
};

}  // namespace espalier::infer
