#include "artifacts/expert_moments.h"

#include "base/error.h"

namespace espalier {
namespace {

using Shape = MomentField::Shape;

constexpr MomentField kMomentFields[] = {
    {"output_sum", &ExpertMoments::output_sum, Shape::kExpertsByWidth},
    {"output_product_sum", &ExpertMoments::output_product_sum, Shape::kExpertsByExperts},
    {"projected_sum", &ExpertMoments::projected_sum, Shape::kExpertsByProjected},
    {"cross_moment", &ExpertMoments::cross_moment, Shape::kPairsByProjected},
};

}  // namespace

std::span<const MomentField> moment_fields() {
  return kMomentFields;
}

std::vector<std::int64_t> MomentField::dimensions(std::size_t experts, std::size_t width,
                                                  std::size_t projected) const {
  const auto E = static_cast<std::int64_t>(experts), D = static_cast<std::int64_t>(width),
             R = static_cast<std::int64_t>(projected);
  switch (shape) {
    case Shape::kExpertsByWidth:
      return {E, D};
    case Shape::kExpertsByExperts:
      return {E, E};
    case Shape::kExpertsByProjected:
      return {E, R};
    case Shape::kPairsByProjected:
      return {static_cast<std::int64_t>(pair_count(experts)), R, R};
  }
  throw InternalError("a field of moments without a shape");
}

std::size_t MomentField::size(std::size_t experts, std::size_t width, std::size_t projected) const {
  std::size_t count = 1;
  for (const std::int64_t dimension : dimensions(experts, width, projected))
    count *= static_cast<std::size_t>(dimension);
  return count;
}

void ExpertMoments::resize(std::size_t experts, std::size_t width) {
  for (const MomentField& field : kMomentFields)
    (this->*field.values).assign(field.size(experts, width, projected), 0.0);
}

void ExpertMoments::add(const ExpertMoments& other, double weight) {
  inputs += weight * other.inputs;
  for (const MomentField& field : kMomentFields) {
    std::vector<double>& to = this->*field.values;
    const std::vector<double>& from = other.*field.values;
    if (from.size() != to.size()) throw InternalError("moments of different shapes");
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += weight * from[i];
  }
}

}  // namespace espalier
