#include "surgery/weight_sum.h"

#include <algorithm>
#include <vector>

#include "formats/weight_format.h"
#include "surgery/weight_rows.h"

namespace espalier {
namespace {

/// Rows first .. first + count of a term in float32, with rows or columns in its order.
void read_ordered(const WeightSum& sum, const SumTerm& term, const Inputs& inputs, std::int64_t first,
                  std::int64_t count, float* to) {
  const std::int64_t columns = sum.like.columns;
  if (term.order.empty()) return read_rows(sum.like, term.parts, inputs, first, count, to);
  if (sum.order_axis == NeuronAxis::kRows) {
    for (std::int64_t row = 0; row < count; ++row)
      read_rows(sum.like, term.parts, inputs, term.order[static_cast<std::size_t>(first + row)], 1,
                to + row * columns);
    return;
  }
  read_rows(sum.like, term.parts, inputs, first, count, to);
  std::vector<float> row(static_cast<std::size_t>(columns));
  for (float* at = to; at < to + count * columns; at += columns) {
    std::copy_n(at, columns, row.begin());
    for (std::size_t i = 0; i < row.size(); ++i) at[i] = row[static_cast<std::size_t>(term.order[i])];
  }
}

/// Rows first .. first + count of the sum, as they are stored.
formats::StoredRows summed(const WeightSum& sum, const Inputs& inputs, std::int64_t first,
                           std::int64_t count) {
  std::vector<float> total(static_cast<std::size_t>(count * sum.like.columns), 0.0F), values(total.size());
  for (const SumTerm& term : sum.terms) {
    read_ordered(sum, term, inputs, first, count, values.data());
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += term.factor * values[i];
  }
  return sum.like.format->encode_rows(sum.like, total);
}

}  // namespace

void compute_sum(const WeightSum& sum, std::size_t part, const Inputs& inputs, std::uint64_t begin,
                 std::span<std::byte> out) {
  const formats::Weight& like = sum.like;
  const std::uint64_t end = begin + out.size();
  const std::int64_t step = rows_at_a_time(like);
  for (std::int64_t first = 0; first < like.rows; first += step) {
    const std::int64_t count = std::min(step, like.rows - first);
    const formats::ByteSpan span = like.format->bytes_of_rows(like, part, first, count);
    const std::uint64_t from = std::max<std::uint64_t>(span.begin, begin),
                        to = std::min<std::uint64_t>(span.begin + span.size, end);
    if (from >= to) continue;
    const std::vector<std::byte> stored = summed(sum, inputs, first, count)[part];
    std::copy_n(stored.begin() + static_cast<std::ptrdiff_t>(from - span.begin), to - from,
                out.begin() + static_cast<std::ptrdiff_t>(from - begin));
  }
}

}  // namespace espalier
