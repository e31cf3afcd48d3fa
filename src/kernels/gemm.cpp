#include "kernels/gemm.h"

#include "kernels/simd/kernels.h"

namespace espalier::kernels {

void gemm(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, MatrixView b, float beta, float* c,
          std::int64_t c_stride) {
  simd::kernels().gemm({.a = a, .b = b, .c = c, .m = m, .n = n, .k = k, .c_stride = c_stride, .beta = beta});
}

}  // namespace espalier::kernels
