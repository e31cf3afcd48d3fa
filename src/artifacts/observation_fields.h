#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "artifacts/observations.h"

namespace espalier {

inline constexpr const char* kObserveAgain =
    "the file was changed by hand or is damaged: `espalier observe` writes it again";

enum class FieldShape { kExperts, kExpertsByWidth, kExpertsByExperts };  ///< [E], [E, D], [E, E]
enum class FieldMerge { kSum, kMaximum };
enum class FieldSign { kAny, kNotNegative };

/// One statistic of a layer: what it is called in files, how large it is and how two of them become one.
struct ObservationField {
  std::string_view name;
  std::vector<double> LayerObservations::*values;
  FieldShape shape = FieldShape::kExperts;
  FieldMerge merge = FieldMerge::kSum;
  FieldSign sign = FieldSign::kNotNegative;
};

/// All statistics with one number per expert or more, in the order of the struct. `tokens` and `entropy_sum`
/// are numbers of the layer.
std::span<const ObservationField> observation_fields();

std::size_t field_size(FieldShape shape, std::size_t experts, std::size_t width);

}  // namespace espalier
