#pragma once

#include "surgery/layout.h"
#include "surgery/pieces.h"

namespace espalier {

/// Rows first .. first + count of a weight of the input files in float32: `like` says how it is stored,
/// `parts` where. They are of one matrix. Where rows do not lie apart, all of the parts is read.
void read_rows(const formats::Weight& like, const PartRanges& parts, const Inputs& inputs, std::int64_t first,
               std::int64_t count, float* to);

/// Rows that are worked on at a time: whole rows of blocks of about 2^18 numbers.
std::int64_t rows_at_a_time(const formats::Weight& like);

/// Where the parts of a weight are in a checkpoint's files.
PartRanges part_ranges(const Checkpoint& checkpoint, const formats::Place& place);

}  // namespace espalier
