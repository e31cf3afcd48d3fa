#pragma once

#include <string_view>

namespace espalier {

/// Where the F hidden neurons of an expert are in one of its tensors.
enum class NeuronAxis {
  kNone,     ///< nowhere: the bias of the output
  kRows,     ///< [F, ..]
  kColumns,  ///< [.., F], or a vector [F]
  kUnknown   ///< not a tensor whose meaning is known (packed integers, scales, stacked experts)
};

/// `role`: of moe_names.h, "w1.weight".
NeuronAxis neuron_axis(std::string_view role);

}  // namespace espalier
