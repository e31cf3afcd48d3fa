#pragma once

#include <cstdint>
#include <span>
#include <vector>

/// Work on many rows, cut so that each thread does all steps on a few rows while they are in its cache.
/// Threads then meet once a layer, not once a product, and every product runs on one thread.
namespace espalier::infer {

/// Rows of one network that a thread takes in one go.
struct RowPart {
  std::int64_t network, first, rows;
  bool begins_share;  ///< no earlier row of this network is the thread's
};

/// What thread `thread` of `threads` does: an equal share of all rows, cut where a network's rows end and
/// into equal parts of at most `most_rows`. `offsets` [E+1]: rows offsets[e] .. offsets[e+1] are those of
/// network e.
std::vector<RowPart> row_parts(std::span<const std::int32_t> offsets, int thread, int threads,
                               std::int64_t most_rows);

/// How many threads `rows` with so many multiplications each are worth: with one, a product is spread over as
/// many as it sees fit instead.
int threads_for_rows(std::int64_t rows, std::int64_t multiplications);

}  // namespace espalier::infer
