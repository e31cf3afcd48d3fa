#pragma once

#include <cstdint>

namespace espalier::infer {

/// Expert-choice routing (Zhou et al. 2022): of every `group` tokens in a row, each expert takes the
/// `capacity` ones with its largest probabilities (all, if there are no more); ties go to the earlier token.
/// probabilities [N, E] -> chosen [N, E]: e where expert e takes the token, else -1.
void choose_by_experts(std::int64_t N, std::int64_t E, const float* probabilities, std::int64_t group,
                       std::int64_t capacity, std::int32_t* chosen);

}  // namespace espalier::infer
