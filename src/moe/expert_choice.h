#pragma once

#include <torch/types.h>

#include <cstdint>

namespace espalier {

/// Expert-choice routing (Zhou et al. 2022): of every `group` tokens in a row, each expert takes the
/// `capacity` ones with its largest probabilities (all, if there are no more); ties go to the earlier token.
/// probabilities [N, E] -> [N, E] int32: e where expert e takes the token, else -1.
torch::Tensor chosen_by_experts(const torch::Tensor& probabilities, std::int64_t group,
                                std::int64_t capacity);

}  // namespace espalier
