namespace {
constexpr int kLanes = 8;  // floats in a vector register
constexpr const char* kIsa = "avx2";
}  // namespace

#include "kernels/simd/bodies/table.h"

namespace espalier::simd {
constinit const Kernels kAvx2Kernels = kTable;
}  // namespace espalier::simd
