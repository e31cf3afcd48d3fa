#pragma once

#include <cstdint>

namespace espalier {

/// The best rate over `seconds` (three products at least) of a float32 matrix product as in an encoder's FFN,
/// [M, 768] times [768, 3072], as models are run with: floating-point operations per second, a
/// multiplication and an addition counted as two. Restores the number of threads.
double matmul_flops_per_second(int threads, double seconds);

/// The best rate over `seconds` (three copies at least) of copying memory far larger than the caches with one
/// thread: bytes read and bytes written per second, added up.
double copy_bytes_per_second(double seconds);

}  // namespace espalier
