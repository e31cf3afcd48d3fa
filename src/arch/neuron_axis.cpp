#include "arch/neuron_axis.h"

#include <algorithm>
#include <array>

namespace espalier {
namespace {

constexpr std::array<std::string_view, 8> kInto{"w1", "w3",   "gate_proj", "up_proj",
                                                "wi", "wi_0", "wi_1",      "intermediate.dense"};
constexpr std::array<std::string_view, 4> kOut{"w2", "down_proj", "wo", "output.dense"};

template <typename Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

NeuronAxis neuron_axis(std::string_view role) {
  const std::size_t point = role.rfind('.');
  if (point == std::string_view::npos) return NeuronAxis::kUnknown;
  const std::string_view module = role.substr(0, point), part = role.substr(point + 1);
  if (part == "weight" && contains(kInto, module)) return NeuronAxis::kRows;
  if (part == "bias" && contains(kInto, module)) return NeuronAxis::kColumns;
  if (part == "weight" && contains(kOut, module)) return NeuronAxis::kColumns;
  if (part == "bias" && contains(kOut, module)) return NeuronAxis::kNone;
  return NeuronAxis::kUnknown;
}

}  // namespace espalier
