#pragma once

#include <string_view>

namespace espalier {

/// Where the F hidden neurons of an expert are in one of its tensors.
enum class NeuronAxis {
  kNone,     ///< nowhere: the bias of the output
  kRows,     ///< [F, ..]
  kColumns,  ///< [.., F], or a vector [F]
  kUnknown   ///< not a tensor of the table (packed integers, scales), or one of all experts
};

/// Of a tensor of a family's checkpoint, by its name.
NeuronAxis neuron_axis(std::string_view model_type, std::string_view tensor);

}  // namespace espalier
