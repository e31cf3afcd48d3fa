namespace {
constexpr int kLanes = 4;  // floats in a vector register
constexpr const char* kIsa = "baseline";
}  // namespace

#include "kernels/simd/bodies/table.h"

namespace espalier::simd {
constinit const Kernels kBaselineKernels = kTable;
}  // namespace espalier::simd
