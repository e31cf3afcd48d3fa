#pragma once

namespace espalier {

/// Whether oneDNN's kernels for this processor read operands in place whose rows then fall into the same
/// cache sets (rows a multiple of 1024 bytes apart, docs/design/matmul.md). AVX-512 ones do not, or do not
/// mind.
bool rows_may_alias();

}  // namespace espalier
