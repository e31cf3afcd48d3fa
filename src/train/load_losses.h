#pragma once

#include "train/router.h"

namespace espalier::train {

/// The auxiliary losses of V-MoE (Riquelme et al. 2021, appendix A): squared coefficients of variation over
/// the experts. Differentiable. 0 of no tokens.
///
/// Of the importance, the sum over the tokens of the gate values that the router gave an expert: from
/// `probabilities`.
torch::Tensor importance_loss(const Routing& routing);

/// Of the load, the sum over the tokens of the probability that an expert would be among the token's K again
/// if its noise alone were drawn anew. From `logits`, `noisy_logits` and the noise's deviation; 0 where there
/// was no noise.
torch::Tensor load_loss(const Routing& routing, std::int64_t experts_per_token);

}  // namespace espalier::train
