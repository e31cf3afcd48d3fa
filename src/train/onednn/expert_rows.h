#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>

#include "train/ops/ops.h"

namespace espalier::onednn {

/// Token and slot pairs sorted by expert. All int32 on the CPU.
struct ExpertRows {
  torch::Tensor offsets;    // [E+1] rows of expert e: offsets[e] .. offsets[e+1]
  torch::Tensor row_token;  // [R] token of each row
  torch::Tensor row_of;     // [N, K] row of each pair, -1 where no expert took it

  std::int64_t rows() const { return row_token.size(0); }
  std::span<const std::int32_t> offset_values() const {
    return {offsets.data_ptr<std::int32_t>(), static_cast<std::size_t>(offsets.size(0))};
  }
};

/// chosen [N, K] int32, contiguous.
ExpertRows rows_by_expert(const torch::Tensor& chosen, std::int64_t experts);

/// x [N, D] -> [R, D]: each row's token.
torch::Tensor gather(const torch::Tensor& x, const ExpertRows& rows);

/// ys [R, D] -> [N, D]: the sum over a token's rows, times their gates [N, K] (undefined: times 1).
torch::Tensor combine(const torch::Tensor& ys, const ExpertRows& rows, const torch::Tensor& gates);

/// Shows each expert's rows of ys [R, D] to the tap, if there is one.
void show(const ExpertOutputsTap& tap, const torch::Tensor& ys, const ExpertRows& rows,
          const torch::Tensor& gates);

struct CombineGradients {
  torch::Tensor dys;     // [R, D]
  torch::Tensor dgates;  // [N, K]
};
/// dy [N, D] contiguous.
CombineGradients combine_backward(const torch::Tensor& dy, const torch::Tensor& ys, const ExpertRows& rows,
                                  const torch::Tensor& gates);

}  // namespace espalier::onednn
