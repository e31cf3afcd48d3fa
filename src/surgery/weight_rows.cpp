#include "surgery/weight_rows.h"

#include <algorithm>

#include "formats/weight_format.h"

namespace espalier {
namespace {

constexpr std::int64_t kNumbers = 1 << 18;  // in memory at a time, or one row of blocks

}  // namespace

void read_rows(const formats::Weight& like, const PartRanges& parts, const Inputs& inputs, std::int64_t first,
               std::int64_t count, float* to) {
  const std::int64_t before = first % std::max<std::int64_t>(1, like.matrix_rows) % like.block_rows;
  const std::int64_t from = like.rows_apart ? first - before : 0;
  const std::int64_t rows = like.rows_apart ? before + count : like.rows;
  formats::StoredRows bytes;
  for (std::size_t part = 0; part < bytes.size(); ++part) {
    const formats::ByteSpan span = like.format->bytes_of_rows(like, part, from, rows);
    bytes[part].resize(span.size);
    if (span.size > 0) inputs[parts[part].file].read(parts[part].begin + span.begin, bytes[part]);
  }
  formats::weight_of_rows(like, rows, bytes).decode_rows(first - from, count, to);
}

std::int64_t rows_at_a_time(const formats::Weight& like) {
  const std::int64_t blocks = kNumbers / std::max<std::int64_t>(1, like.columns * like.block_rows);
  return std::max<std::int64_t>(1, blocks) * like.block_rows;
}

PartRanges part_ranges(const Checkpoint& checkpoint, const formats::Place& place) {
  PartRanges ranges;
  for (std::size_t part = 0; part < ranges.size(); ++part) {
    const std::string name = formats::part_name(*place.format, part, place.weight);
    if (name.empty() || !checkpoint.contains(name)) continue;
    const TensorView tensor = checkpoint.tensor(name);
    ranges[part] = {tensor.file, tensor.begin, tensor.bytes.size()};
  }
  return ranges;
}

}  // namespace espalier
