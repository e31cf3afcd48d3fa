#pragma once

#include <cstdint>
#include <vector>

#include "infer/encoder_router.h"
#include "infer/experts.h"
#include "infer/plain_ffn.h"

namespace espalier::infer {

/// A Mixture-of-Experts layer of an encoder or a vision model: y = sum over the chosen i of alpha_i(x)
/// Exp_i(x) (2206.00277 eq. 2), whoever chooses. Weights are float32 in memory.
struct EncoderMoe {
  StoredWeight router;            // [E, D]; [rows, D] where pruned experts left their rows behind
  std::vector<PlainFfn> experts;  // [E]
  /// Expert of each row of the router, -1 where it was pruned: tokens that are sent there get zero from it.
  /// Empty: row e is expert e's.
  std::vector<std::int32_t> expert_of_row;
  /// [rows without an expert, D] what tokens get from them instead of zero, in ascending rows: constants, the
  /// mean outputs of the experts that were there (MoNE, 2025). Not there: zero.
  StoredWeight novices;
};

/// y [N, D] = the layer's output for x [N, D]; tokens without an expert that has room for them get zero. One
/// that `tap` watches computes what capacity drops as well, for whoever takes statistics of it.
void run_experts(const EncoderMoe& moe, const Routing& routing, const float* x, float* y,
                 const ExpertTap& tap);

}  // namespace espalier::infer
