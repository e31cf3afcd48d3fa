// How fast are the three products of a linear layer by dnnl_sgemm, split, padded or transposed in several
// ways, and by OpenBLAS? docs/design/matmul.md has what came of it. Alone:
//   g++ -O3 -march=native -std=c++20 -fopenmp benchmarks/matmul/linear_study.cpp -o linear_study -ldnnl -ldl
//   [SECONDS_EACH=0.15] [ONLY=REGEX] ./linear_study [THREADS] [yxw] [all]
#include <dlfcn.h>
#include <dnnl.h>

#include <cstring>

#include "product_timing.h"

namespace {

using CblasSgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float,
                            float*, int);
constexpr int kRowMajor = 101, kNo = 111, kTrans = 112;  // cblas.h
CblasSgemm openblas = nullptr;

// in [r,c] -> out [c,r], whose rows are `stride` apart
void transpose(const float* in, float* out, long r, long c, long stride) {
#pragma omp parallel for collapse(2) schedule(static)
  for (long i0 = 0; i0 < r; i0 += 32)
    for (long j0 = 0; j0 < c; j0 += 32)
      for (long j = j0; j < std::min(c, j0 + 32); ++j)
        for (long i = i0; i < std::min(r, i0 + 32); ++i) out[j * stride + i] = in[i * c + j];
}

// The rows of a product split over the threads; each call is single-threaded inside the region.
void split_rows(char tb, long m, long n, long k, const float* a, const float* b, long ldb, float* c) {
  const long step = (m + threads - 1) / threads;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (long begin = 0; begin < m; begin += step)
    dnnl_sgemm('N', tb, std::min(step, m - begin), n, k, 1, a + begin * k, k, b, ldb, 0, c + begin * n, n);
}

void forward(Product p) {
  const long n = p.n, d = p.d, f = p.f;
  float *x = p.x.data(), *w = p.w.data(), *y = p.y.data();
  report(p, p.y, {"sgemm NT", [&] { dnnl_sgemm('N', 'T', n, f, d, 1, x, d, w, d, 0, y, f); }, ""});
  report(p, p.y, {"split rows of sgemm", [&] { split_rows('T', n, f, d, x, w, d, y); }, ""});
  if (openblas)
    report(p, p.y,
           {"openblas", [&] { openblas(kRowMajor, kNo, kTrans, n, f, d, 1, x, d, w, d, 0, y, f); }, ""});
}

void backward_data(Product p) {
  const long n = p.n, d = p.d, f = p.f;
  float *dy = p.dy.data(), *w = p.w.data(), *dx = p.dx.data();
  report(p, p.dx, {"sgemm NN", [&] { dnnl_sgemm('N', 'N', n, d, f, 1, dy, f, w, d, 0, dx, d); }, ""});
  report(p, p.dx, {"split rows of sgemm", [&] { split_rows('N', n, d, f, dy, w, d, dx); }, ""});
  if (openblas)
    report(p, p.dx,
           {"openblas", [&] { openblas(kRowMajor, kNo, kNo, n, d, f, 1, dy, f, w, d, 0, dx, d); }, ""});
}

struct Block {
  Values values;
  long stride = 0;

  // k rows of `count` floats, copied into rows that are kPad floats longer
  const float* copy(const float* in, long in_stride, long k, long count) {
    stride = count + kPad;
    values.resize(static_cast<std::size_t>(k * stride));
    for (long i = 0; i < k; ++i)
      std::memcpy(values.data() + i * stride, in + i * in_stride, std::size_t(count) * sizeof(float));
    return values.data();
  }
};

// The way that src/nn/onednn takes: tokens in chunks, the wider side of dW in parts of at most 1024 for the
// threads, dY and X copied (not transposed) into padded blocks.
void padded_blocks(Product& p, long chunk) {
  const long n = p.n, d = p.d, f = p.f, whole = std::max(d, f);
  const long step = std::min((whole / threads + 15) / 16 * 16, 1024L);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long begin = 0; begin < whole; begin += step) {
    static thread_local Block dy, x;
    const long count = std::min(step, whole - begin);
    const long f0 = f >= d ? begin : 0, fs = f >= d ? count : f;
    const long d0 = f >= d ? 0 : begin, ds = f >= d ? d : count;
    for (long r = 0; r < n; r += chunk) {
      const long k = std::min(chunk, n - r);
      const float* a = dy.copy(p.dy.data() + r * f + f0, f, k, fs);
      const float* b = x.copy(p.x.data() + r * d + d0, d, k, ds);
      dnnl_sgemm('T', 'N', fs, ds, k, 1, a, dy.stride, b, x.stride, r ? 1 : 0, p.dw.data() + f0 * d + d0, d);
    }
  }
}

void transposing_ways(Product& p) {
  const long n = p.n, d = p.d, f = p.f;
  float *x = p.x.data(), *dy = p.dy.data(), *dw = p.dw.data(), *scratch = p.scratch.data();
  const auto gradient_first = [=] {
    transpose(dy, scratch, n, f, n + kPad);
    dnnl_sgemm('N', 'N', f, d, n, 1, scratch, n + kPad, x, d, 0, dw, d);
  };
  const auto result_last = [=] {
    dnnl_sgemm('T', 'N', d, f, n, 1, x, d, dy, f, 0, scratch, f);
    transpose(scratch, dw, d, f, d);
  };
  report(p, p.dw, {"transposed dY + sgemm NN", gradient_first, ""});
  report(p, p.dw, {"sgemm X^T dY, then transpose", result_last, ""});
}

void backward_weights(Product p) {
  const long n = p.n, d = p.d, f = p.f;
  float *x = p.x.data(), *dy = p.dy.data(), *dw = p.dw.data();
  report(p, p.dw, {"sgemm TN", [&] { dnnl_sgemm('T', 'N', f, d, n, 1, dy, f, x, d, 0, dw, d); }, ""});
  for (const long chunk : {128L, 256L, 512L})
    report(p, p.dw,
           {"padded both, " + std::to_string(chunk) + " tokens", [&] { padded_blocks(p, chunk); }, ""});
  transposing_ways(p);
  if (openblas)
    report(p, p.dw,
           {"openblas", [&] { openblas(kRowMajor, kTrans, kNo, f, d, n, 1, dy, f, x, d, 0, dw, d); }, ""});
}

}  // namespace

int main(int argc, char** argv) {
  if (void* blas = dlopen("/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblas.so.0", RTLD_NOW))
    openblas = reinterpret_cast<CblasSgemm>(dlsym(blas, "cblas_sgemm"));
  study(argc, argv, forward, backward_data, backward_weights);
}
