#include "formats/scales.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace espalier::formats {
namespace {

constexpr std::int64_t kPiece = 1024;  // scales looked at at a time

constexpr const char* kDamaged = "the files are damaged, or were written wrongly: fetch the checkpoint anew";

std::string names_of(std::initializer_list<Dtype> dtypes) {
  std::vector<std::string_view> names;
  for (const Dtype dtype : dtypes) names.push_back(name(dtype));
  return fmt::format("{}", fmt::join(names, " or "));
}

[[noreturn]] void bad_scale(const Part& part, std::int64_t at, float scale) {
  const char* found = scale == 0 ? "zero" : std::isnan(scale) ? "NaN" : "infinite";
  throw UserError(
      fmt::format("tensor {}: scale {} is {}, expected a number that is not", part.name, at, found),
      kDamaged);
}

}  // namespace

void read_scales(const Part& part, std::int64_t begin, std::int64_t count, float* to) {
  const Dtype dtype = part.dtype == Dtype::kU8 ? Dtype::kF8E8M0 : part.dtype;
  const std::size_t size = size_bytes(dtype);
  to_float32(
      dtype,
      part.bytes.subspan(static_cast<std::size_t>(begin) * size, static_cast<std::size_t>(count) * size),
      {to, static_cast<std::size_t>(count)});
}

void expect_scales(const Part& part, std::int64_t begin, std::int64_t count) {
  float scales[kPiece];
  for (std::int64_t at = begin; at < begin + count; at += kPiece) {
    const std::int64_t step = std::min(kPiece, begin + count - at);
    read_scales(part, at, step, scales);
    bool good = true;
    for (std::int64_t i = 0; i < step; ++i) good &= scales[i] - scales[i] == 0 && scales[i] != 0;
    for (std::int64_t i = 0; i < step && !good; ++i)
      if (!std::isfinite(scales[i]) || scales[i] == 0) bad_scale(part, at + i, scales[i]);
  }
}

void expect_scales_of_rows(const Weight& weight, std::size_t part, std::int64_t first, std::int64_t count) {
  const ByteSpan span = weight.format->bytes_of_rows(weight, part, first, count);
  const std::size_t size = size_bytes(weight.parts[part].dtype);
  expect_scales(weight.parts[part], static_cast<std::int64_t>(span.begin / size),
                static_cast<std::int64_t>(span.size / size));
}

const Tensor& companion(const StoredTensors& stored, std::size_t part, std::string_view what,
                        std::initializer_list<Dtype> dtypes) {
  const auto& found = stored.part(part);
  if (!found) {
    throw UserError(
        fmt::format("{}: tensor {} is there without its {}", stored.source, stored.main.name, what),
        "packed numbers are weights only with what scales them: fetch the checkpoint anew");
  }
  expect_dtype(stored, *found, dtypes);
  return *found;
}

void expect_dtype(const StoredTensors& stored, const Tensor& tensor, std::initializer_list<Dtype> dtypes) {
  if (std::find(dtypes.begin(), dtypes.end(), tensor.dtype) != dtypes.end()) return;
  throw UserError(fmt::format("{}: tensor {} is {}, expected {}", stored.source, tensor.name,
                              name(tensor.dtype), names_of(dtypes)),
                  kDamaged);
}

void expect_shape(const StoredTensors& stored, const Tensor& tensor, const Shape& expected, std::int64_t rows,
                  std::int64_t columns) {
  if (std::equal(tensor.shape.begin(), tensor.shape.end(), expected.begin(), expected.end())) return;
  throw UserError(fmt::format("{}: tensor {} [{}] does not fit {}, which stands for [{}, {}]: expected [{}]",
                              stored.source, tensor.name, fmt::join(tensor.shape, ", "), stored.main.name,
                              rows, columns, fmt::join(expected, ", ")),
                  kDamaged);
}

void expect_axes(const StoredTensors& stored, std::size_t axes) {
  if (stored.main.shape.size() == axes) return;
  throw UserError(fmt::format("{}: tensor {} is [{}], expected {} axes", stored.source, stored.main.name,
                              fmt::join(stored.main.shape, ", "), axes),
                  kDamaged);
}

}  // namespace espalier::formats
