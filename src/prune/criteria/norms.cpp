#include "prune/criteria/norms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace espalier {
namespace {

constexpr std::int64_t kPiece = 1 << 16;  // numbers decoded at a time, or one row

/// Eight partial sums, so that the additions need not wait for each other.
double square_sum(std::span<const float> values) {
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + 8 <= values.size(); i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) {
      const double value = static_cast<double>(values[i + lane]);
      sums[lane] += value * value;
    }
  }
  for (; i < values.size(); ++i)
    sums[i % 8] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  double total = 0.0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

std::vector<double> square_sums(const Checkpoint& checkpoint, std::string_view name, std::size_t parts) {
  const formats::Weight weight = checkpoint.weight(name);
  const auto elements = static_cast<std::size_t>(weight.elements());
  if (parts == 0 || elements % parts != 0)
    throw InternalError(fmt::format("tensor {}: {} elements in {} parts", name, elements, parts));
  std::vector<double> sums(parts, 0.0);
  if (elements == 0) return sums;
  const std::size_t each = elements / parts;
  const std::int64_t step = std::max<std::int64_t>(1, kPiece / weight.columns);
  std::vector<float> buffer(static_cast<std::size_t>(std::min(step, weight.rows) * weight.columns));
  for (std::int64_t row = 0; row < weight.rows; row += step) {
    const std::int64_t count = std::min(step, weight.rows - row);
    weight.decode_rows(row, count, buffer.data());
    const auto begin = static_cast<std::size_t>(row * weight.columns),
               end = begin + static_cast<std::size_t>(count * weight.columns);
    for (std::size_t at = begin; at < end;) {  // a part may begin anywhere in a piece
      const std::size_t part_end = std::min((at / each + 1) * each, end);
      sums[at / each] += square_sum(std::span(buffer).subspan(at - begin, part_end - at));
      at = part_end;
    }
  }
  return sums;
}

}  // namespace espalier
