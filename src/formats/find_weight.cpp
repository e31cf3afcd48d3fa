#include "formats/find_weight.h"

#include <fmt/format.h>

#include "base/error.h"
#include "formats/weight_format.h"

namespace espalier::formats {
namespace {

constexpr std::string_view kOfWeight = "{weight}", kOfModule = "{module}", kWeight = ".weight";

/// The name of a part; nullopt where the weight's name does not end as it should.
std::optional<std::string> part_name(std::string_view pattern, std::string_view weight) {
  if (pattern.starts_with(kOfWeight)) return fmt::format("{}{}", weight, pattern.substr(kOfWeight.size()));
  if (!pattern.starts_with(kOfModule) || !weight.ends_with(kWeight)) return std::nullopt;
  return fmt::format("{}{}", weight.substr(0, weight.size() - kWeight.size()),
                     pattern.substr(kOfModule.size()));
}

/// The weight whose part this pattern makes of a tensor's name; nullopt where it makes none.
std::optional<std::string> weight_name(std::string_view pattern, std::string_view tensor) {
  const bool of_weight = pattern.starts_with(kOfWeight);
  if (!of_weight && !pattern.starts_with(kOfModule)) return std::nullopt;
  const std::string_view ending = pattern.substr(of_weight ? kOfWeight.size() : kOfModule.size());
  if (!tensor.ends_with(ending)) return std::nullopt;
  return fmt::format("{}{}", tensor.substr(0, tensor.size() - ending.size()), of_weight ? "" : kWeight);
}

/// The tensors of a weight of this name if it is of this format.
std::optional<StoredTensors> stored_as(const WeightFormat& format, const WeightSource& source,
                                       std::string_view weight) {
  const auto main_name = part_name(format.main, weight);
  if (!main_name) return std::nullopt;
  const auto main = source.find(*main_name);
  if (!main) return std::nullopt;
  StoredTensors stored{source.name, source.quantization, *main, {}};
  if (!format.recognises(stored)) return std::nullopt;
  for (std::size_t i = 0; i < kMaxCompanions; ++i) {
    if (const auto companion = part_name(format.companions[i], weight))
      stored.companions[i] = source.find(*companion);
  }
  return stored;
}

Weight bound(const WeightFormat& format, const StoredTensors& stored) {
  if (format.bind == nullptr) {
    throw UserError(
        fmt::format("{}: tensor {} is stored as {}, which can be counted and kept or removed with "
                    "its expert, but not read",
                    stored.source, stored.main.name, format.name),
        "take a checkpoint in BF16 or FP8; a plan made with it fits both");
  }
  Weight weight;
  weight.format = &format;
  weight.name = stored.main.name;
  weight.parts[0] = {stored.main.dtype, stored.main.bytes};
  for (std::size_t i = 0; i < kMaxCompanions; ++i) {
    if (stored.companions[i])
      weight.parts[i + 1] = {stored.companions[i]->dtype, stored.companions[i]->bytes};
  }
  format.bind(stored, weight);
  return weight;
}

}  // namespace

std::optional<Weight> find_weight(const WeightSource& source, std::string_view name) {
  for (const WeightFormat& format : weight_formats()) {
    if (const auto stored = stored_as(format, source, name)) return bound(format, *stored);
  }
  return std::nullopt;
}

Place place_of(const WeightSource& source, const Tensor& tensor) {
  for (std::size_t step = 0; step <= kMaxCompanions; ++step) {
    const std::size_t part = (step + 1) % (kMaxCompanions + 1);  // companions first: any name may be dense
    for (const WeightFormat& format : weight_formats()) {
      const auto weight = weight_name(part == 0 ? format.main : format.companions[part - 1], tensor.name);
      if (weight && stored_as(format, source, *weight)) return {&format, *weight, part};
    }
  }
  return {&weight_formats().back(), std::string(tensor.name), 0};
}

std::int64_t parameters(const WeightSource& source, const Tensor& tensor) {
  const Place place = place_of(source, tensor);
  if (place.part > 0) return 0;
  return place.format->count(*stored_as(*place.format, source, place.weight));
}

}  // namespace espalier::formats
