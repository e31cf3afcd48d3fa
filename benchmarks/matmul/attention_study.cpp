// How fast are attention's six batched products through oneDNN, reading Q, K and V in place from the [B*T,
// 3D] buffer of the fused projection? One 4D strided dnnl::matmul against an OpenMP loop of single-threaded
// dnnl_sgemm calls. Usage: attention_study [threads]
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dnnl.hpp>
#include <functional>
#include <vector>

using dnnl::memory;

namespace {

int threads = 2;
dnnl::engine engine(dnnl::engine::kind::cpu, 0);
dnnl::stream stream(engine);

// On one thread the processor time, which other programs disturb less; on more, the wall clock.
double now() {
  timespec t;
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

struct View {  // [B,H,rows,columns] with these strides, unit stride in one of the last two
  float* data;
  long rows, columns, batch_stride, head_stride, ld;
  bool transposed;
  memory::desc desc(long batch, long heads) const {
    return {{batch, heads, rows, columns},
            memory::data_type::f32,
            transposed ? memory::dims{batch_stride, head_stride, 1, ld}
                       : memory::dims{batch_stride, head_stride, ld, 1}};
  }
};

double best_time(const std::function<void()>& run) {
  run();
  double best = 1e9, start = now();
  do {
    double t = now();
    run();
    best = std::min(best, now() - t);
  } while (now() - start < 0.15);
  return best;
}

void compare(const char* name, long batch, long heads, View a, View b, View c) {
  double flops = 2.0 * double(batch * heads * a.rows * a.columns * b.columns);
  double t0 = now();
  dnnl::matmul::primitive_desc pd({a.desc(batch, heads), b.desc(batch, heads), c.desc(batch, heads)}, engine);
  dnnl::matmul primitive(pd);
  double create = now() - t0;
  memory am(a.desc(batch, heads), engine, a.data), bm(b.desc(batch, heads), engine, b.data),
      cm(c.desc(batch, heads), engine, c.data);
  double whole = best_time([&] {
    primitive.execute(stream, {{DNNL_ARG_SRC, am}, {DNNL_ARG_WEIGHTS, bm}, {DNNL_ARG_DST, cm}});
    stream.wait();
  });
  std::vector<float> want(size_t(a.rows * b.columns));
  float* last = c.data + (batch - 1) * c.batch_stride + (heads - 1) * c.head_stride;
  for (long i = 0; i < c.rows; ++i) std::copy_n(last + i * c.ld, c.columns, want.data() + i * c.columns);
  double loop = best_time([&] {
#pragma omp parallel for collapse(2) schedule(static)
    for (long i = 0; i < batch; ++i)
      for (long h = 0; h < heads; ++h)
        dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', a.rows, b.columns, a.columns, 1.0f,
                   a.data + i * a.batch_stride + h * a.head_stride, a.ld,
                   b.data + i * b.batch_stride + h * b.head_stride, b.ld, 0.0f,
                   c.data + i * c.batch_stride + h * c.head_stride, c.ld);
  });
  double worst = 0;
  for (long i = 0; i < c.rows; ++i)
    for (long j = 0; j < c.columns; ++j)
      worst = std::max(worst, double(std::fabs(last[i * c.ld + j] - want[i * c.columns + j])));
  std::printf("  %-14s matmul 4D %6.1f GF/s (%s, create %5.2f ms)   loop of sgemm %6.1f GF/s%s\n", name,
              flops / whole / 1e9, pd.impl_info_str(), create * 1e3, flops / loop / 1e9,
              worst > 1e-2 ? "  DIFFER" : "");
}

void study(long batch, long heads, long t, long dh) {
  long d = heads * dh, wide = 3 * d;
  std::printf("B %ld H %ld T %ld dh %ld, threads %d\n", batch, heads, t, dh, threads);
  auto filled = [](long size) {
    std::vector<float> v(static_cast<size_t>(size));
    for (size_t i = 0; i < v.size(); ++i) v[i] = float(i * 2654435761u >> 8 & 1023) / 1024.0f - 0.5f;
    return v;
  };
  auto qkv = filled(batch * t * wide), dqkv = filled(batch * t * wide), o = filled(batch * t * d),
       p = filled(batch * heads * t * t), dp = p;
  auto rows = [&](std::vector<float>& v, long offset, long ld) {
    return View{v.data() + offset, t, dh, t * ld, dh, ld, false};
  };
  auto flip = [](View v) { return std::swap(v.rows, v.columns), v.transposed = true, v; };
  View q = rows(qkv, 0, wide), k = rows(qkv, d, wide), v = rows(qkv, 2 * d, wide), out = rows(o, 0, d);
  View dq = rows(dqkv, 0, wide), dk = rows(dqkv, d, wide), dv = rows(dqkv, 2 * d, wide);
  View s{p.data(), t, t, heads * t * t, t * t, t, false}, ds{dp.data(), t, t, heads * t * t, t * t, t, false};
  compare("S = Q K^T", batch, heads, q, flip(k), s);
  compare("O = P V", batch, heads, s, v, out);
  compare("dP = dO V^T", batch, heads, out, flip(v), ds);
  compare("dV = P^T dO", batch, heads, flip(s), out, dv);
  compare("dQ = dS K", batch, heads, ds, k, dq);
  compare("dK = dS^T Q", batch, heads, flip(ds), q, dk);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) threads = std::atoi(argv[1]);
  omp_set_num_threads(threads);
  study(32, 8, 128, 32);
  study(32, 4, 128, 64);
  study(32, 5, 128, 32);
}
