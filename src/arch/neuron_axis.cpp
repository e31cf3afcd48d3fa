#include "arch/neuron_axis.h"

#include "arch/tensor_names.h"

namespace espalier {

NeuronAxis neuron_axis(std::string_view model_type, std::string_view tensor) {
  const arch::TensorNames& names = arch::names_of(model_type);
  const auto parsed = names.parse(tensor);
  const arch::TensorRow* row = parsed ? names.row_of(*parsed) : nullptr;
  if (row == nullptr) return NeuronAxis::kUnknown;
  const bool weight = row->part == arch::Part::kWeight;
  if (row->role == arch::Role::kExpertDown) return weight ? NeuronAxis::kColumns : NeuronAxis::kNone;
  return weight ? NeuronAxis::kRows : NeuronAxis::kColumns;
}

}  // namespace espalier
