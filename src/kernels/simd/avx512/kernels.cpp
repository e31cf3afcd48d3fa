namespace {
constexpr int kLanes = 16;  // floats in a vector register
constexpr const char* kIsa = "avx512";
}  // namespace

#include "kernels/simd/bodies/table.h"

namespace espalier::simd {
constinit const Kernels kAvx512Kernels = kTable;
}  // namespace espalier::simd
