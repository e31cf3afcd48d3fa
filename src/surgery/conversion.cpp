#include "surgery/conversion.h"

#include <algorithm>

#include "formats/weight_format.h"
#include "surgery/weight_rows.h"

namespace espalier {
namespace {

/// Rows of what is written are columns of what is read, in each matrix of a stack.
void read_turned(const Conversion& conversion, const Inputs& inputs, std::int64_t first, std::int64_t count,
                 float* to) {
  const formats::Weight& from = conversion.from;
  const std::int64_t rows = conversion.to.matrix_rows, step = rows_at_a_time(from);
  std::vector<float> values(static_cast<std::size_t>(step * from.columns));
  for (std::int64_t row = first; row < first + count;) {
    const std::int64_t matrix = row / rows, end = std::min(first + count, (matrix + 1) * rows);
    for (std::int64_t output = 0; output < from.matrix_rows; output += step) {
      const std::int64_t outputs = std::min(step, from.matrix_rows - output);
      read_rows(from, conversion.parts, inputs, matrix * from.matrix_rows + output, outputs, values.data());
      for (std::int64_t o = 0; o < outputs; ++o)
        for (std::int64_t i = row; i < end; ++i)
          to[(i - first) * conversion.to.columns + output + o] =
              values[static_cast<std::size_t>(o * from.columns + i % rows)];
    }
    row = end;
  }
}

/// Rows of blocks of what is written that are made at a time.
std::int64_t step_of(const Conversion& conversion) {
  const std::int64_t step = rows_at_a_time(conversion.to);
  const std::int64_t whole = ((conversion.to.matrix_rows + step - 1) / step) * step;
  return conversion.turned || !conversion.from.rows_apart ? whole
                                                          : step;  // else all is read for each few rows
}

}  // namespace

void read_converted(const Conversion& conversion, const Inputs& inputs, std::int64_t first,
                    std::int64_t count, float* to) {
  if (conversion.turned) return read_turned(conversion, inputs, first, count, to);
  read_rows(conversion.from, conversion.parts, inputs, first, count, to);
}

void compute_conversion(const Conversion& conversion, std::size_t part, const Inputs& inputs,
                        std::uint64_t begin, std::span<std::byte> out) {
  const formats::Weight& like = conversion.to;
  const std::uint64_t end = begin + out.size();
  const std::int64_t step = step_of(conversion);
  std::vector<float> values;
  for (std::int64_t matrix = 0; matrix < like.rows; matrix += like.matrix_rows) {
    for (std::int64_t row = 0; row < like.matrix_rows; row += step) {
      const std::int64_t first = matrix + row, count = std::min(step, like.matrix_rows - row);
      const formats::ByteSpan span = like.format->bytes_of_rows(like, part, first, count);
      const std::uint64_t from = std::max<std::uint64_t>(span.begin, begin),
                          to = std::min<std::uint64_t>(span.begin + span.size, end);
      if (from >= to) continue;
      values.resize(static_cast<std::size_t>(count * like.columns));
      read_converted(conversion, inputs, first, count, values.data());
      const std::vector<std::byte> stored = like.format->encode_rows(like, values)[part];
      std::copy_n(stored.begin() + static_cast<std::ptrdiff_t>(from - span.begin), to - from,
                  out.begin() + static_cast<std::ptrdiff_t>(from - begin));
    }
  }
}

}  // namespace espalier
