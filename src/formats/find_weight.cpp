#include "formats/find_weight.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "formats/weight_format.h"

namespace espalier::formats {
namespace {

constexpr std::string_view kOfWeight = "{weight}", kOfModule = "{module}", kWeight = ".weight";

/// The name of a part; nullopt where the weight's name does not end as it should.
std::optional<std::string> name_by(std::string_view pattern, std::string_view weight) {
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

std::string_view pattern_of(const WeightFormat& format, std::size_t part) {
  return part == 0 ? format.main : format.companions[part - 1];
}

/// The tensors of a weight of this name if it is of this format.
std::optional<StoredTensors> stored_as(const WeightFormat& format, const WeightSource& source,
                                       std::string_view weight) {
  const auto main_name = name_by(format.main, weight);
  if (!main_name) return std::nullopt;
  const auto main = source.find(*main_name);
  if (!main) return std::nullopt;
  StoredTensors stored{source.name, source.quantization, *main, {}};
  for (std::size_t i = 0; i < kMaxCompanions; ++i) {
    if (const auto companion = name_by(format.companions[i], weight))
      stored.companions[i] = source.find(*companion);
  }
  if (!format.recognises(stored)) return std::nullopt;
  return stored;
}

/// Of the tensor that the weight stands for: where there are no numbers, their own.
std::vector<std::int64_t> shape_of(const WeightFormat& format, const StoredTensors& stored) {
  if (!stored.main.bytes.empty()) return format.shape(stored);
  return {stored.main.shape.begin(), stored.main.shape.end()};
}

void expect_packed(const StoredTensors& stored) {
  expect_known(stored.quantization, stored.source);
  if (!stored.main.bytes.empty()) return;
  throw UserError(fmt::format("{}: tensor {} is [{}], expected numbers", stored.source, stored.main.name,
                              fmt::join(stored.main.shape, ", ")),
                  "the files are damaged, or were written wrongly: fetch the checkpoint anew");
}

Weight bound(const WeightFormat& format, const StoredTensors& stored) {
  const bool plain = &format == &weight_formats().back();
  if (!plain) expect_packed(stored);
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
  weight.parts[0] = {stored.main.dtype, stored.main.bytes, true, stored.main.name};
  for (std::size_t i = 0; i < kMaxCompanions; ++i) {
    if (const auto& companion = stored.companions[i])
      weight.parts[i + 1] = {companion->dtype, companion->bytes, true, companion->name};
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

std::optional<MainTensor> find_main(const WeightSource& source, std::string_view weight) {
  for (const WeightFormat& format : weight_formats()) {
    if (const auto stored = stored_as(format, source, weight)) {
      MainTensor result{stored->main, &format, {}};
      if (format.shape != nullptr) result.shape = shape_of(format, *stored);
      return result;
    }
  }
  return std::nullopt;
}

Place place_of(const WeightSource& source, const Tensor& tensor) {
  for (std::size_t i = 1; i <= 1 + kMaxCompanions; ++i) {
    const std::size_t part = i % (1 + kMaxCompanions);  // companions first: any name may be a dense weight's
    for (const WeightFormat& format : weight_formats()) {
      const auto weight = weight_name(pattern_of(format, part), tensor.name);
      if (weight && stored_as(format, source, *weight)) return {&format, *weight, part};
    }
  }
  return {&weight_formats().back(), std::string(tensor.name), 0};
}

std::string part_name(const WeightFormat& format, std::size_t part, std::string_view weight) {
  return name_by(pattern_of(format, part), weight).value_or("");
}

std::int64_t parameters(const WeightSource& source, const Tensor& tensor) {
  const Place place = place_of(source, tensor);
  if (place.part > 0) return 0;
  const StoredTensors stored = *stored_as(*place.format, source, place.weight);
  if (place.format->shape == nullptr) return place.format->count(stored);
  if (stored.main.bytes.empty()) return 0;
  std::int64_t count = 1;
  for (const std::int64_t size : shape_of(*place.format, stored)) count *= size;
  return count;
}

}  // namespace espalier::formats
