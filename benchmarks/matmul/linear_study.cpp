// How fast can oneDNN compute the three products of a linear layer, and through which door?
//   forward  Y[N,F]  = X[N,D] W[F,D]^T + b[F]
//   dX       dX[N,D] = dY[N,F] W[F,D]
//   dW       dW[F,D] = dY[N,F]^T X[N,D], and db[F] = sum over N of dY where the way gives it
// Every way is checked against dnnl_sgemm before it is timed. Usage: linear_study [threads] [pattern]
#include <dlfcn.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dnnl.hpp>
#include <functional>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>

using dnnl::memory;
using Clock = std::chrono::steady_clock;
using Way = std::function<void()>;
using CblasSgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float,
                            float*, int);

namespace {

constexpr auto kF32 = memory::data_type::f32;
int threads = 2;
const double budget = std::getenv("SECONDS_EACH") ? std::atof(std::getenv("SECONDS_EACH")) : 0.15;
dnnl::engine engine(dnnl::engine::kind::cpu, 0);
dnnl::stream stream(engine);

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// On one thread the processor time, which other programs disturb less; on more, the wall clock.
double now() {
  timespec t;
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

struct Product {
  const char* name;
  long n, d, f;
  std::vector<float> x, w, b, dy, y, dx, dw, db, scratch, want;
  Product(const char* name, long n, long d, long f) : name(name), n(n), d(d), f(f) {
    auto fill = [](std::vector<float>& v, long size) {
      v.resize(size);
      for (long i = 0; i < size; ++i) v[i] = float((i * 2654435761u >> 8) % 1000) / 1000.0f - 0.5f;
    };
    fill(x, n * d), fill(w, f * d), fill(b, f), fill(dy, n * f);
    y.resize(n * f), dx.resize(n * d), dw.resize(f * d), db.resize(f);
    scratch.resize(std::max({n * f, n * d, f * d}) + 16 * (n + f + d));
  }
};

memory::desc rows(long r, long c) {
  return {{r, c}, kF32, memory::dims{c, 1}};
}
memory::desc columns(long r, long c) {
  return {{r, c}, kF32, memory::dims{1, r}};
}  // a row-major [c,r], transposed
memory::desc any(long r, long c) {
  return {{r, c}, kF32, memory::format_tag::any};
}

void report(Product& p, const char* way, const char* impl, double create, const Way& run,
            std::vector<float>& out) {
  static const char* only = std::getenv("ONLY");  // "a|b": time only the ways with one of these in the name
  if (only && !std::regex_search(way, std::regex(only))) return;
  std::fill(out.begin(), out.end(), -7.0f);
  run();
  double worst = 0;
  if (p.want.empty()) p.want = out;
  for (size_t i = 0; i < out.size(); ++i) worst = std::max(worst, double(std::fabs(out[i] - p.want[i])));
  double best = 1e9;
  auto begin = Clock::now();
  do {
    double t = now();
    run();
    best = std::min(best, now() - t);
  } while (seconds_since(begin) < budget);
  std::printf("%-4s N%5ld D%5ld F%5ld t%d %-34s %7.1f GF/s  create %6.2f ms %s%s\n", p.name, p.n, p.d, p.f,
              threads, way, 2.0 * p.n * p.d * p.f / best / 1e9, create * 1e3, impl,
              worst > 1e-2 ? "  WRONG" : "");
  std::fflush(stdout);
}

memory wrap(const memory::desc& desc, std::vector<float>& v) {
  return {desc, engine, v.data()};
}

// One product through a primitive; operands whose chosen format differs from the plain one are reordered in
// every run.
template <class PrimitiveDesc, class Primitive>
void run_primitive(Product& p, const char* way, const std::function<PrimitiveDesc()>& make,
                   std::vector<std::tuple<int, memory, memory::desc>> operands, std::vector<float>& out) {
  auto start = Clock::now();
  PrimitiveDesc pd = make();
  Primitive primitive(pd);
  double create = seconds_since(start);
  std::unordered_map<int, memory> args;
  std::vector<std::pair<dnnl::reorder, std::pair<memory, memory>>> before, after;
  for (auto& [arg, plain, chosen] : operands) {
    memory::desc want = pd.query_md(dnnl::query::exec_arg_md, arg);
    if (want == plain.get_desc()) {
      args[arg] = plain;
      continue;
    }
    memory packed(want, engine);
    args[arg] = packed;
    bool output = arg == DNNL_ARG_DST || arg == DNNL_ARG_DIFF_SRC || arg == DNNL_ARG_DIFF_WEIGHTS;
    if (output)
      after.push_back({dnnl::reorder(packed, plain), {packed, plain}});
    else
      before.push_back({dnnl::reorder(plain, packed), {plain, packed}});
  }
  Way run = [&] {
    for (auto& [r, m] : before) r.execute(stream, m.first, m.second);
    primitive.execute(stream, args);
    for (auto& [r, m] : after) r.execute(stream, m.first, m.second);
    stream.wait();
  };
  std::string impl = std::string(pd.impl_info_str()) + (before.empty() ? "" : " +reorder in") +
                     (after.empty() ? "" : " +reorder out");
  report(p, way, impl.c_str(), create, run, out);
}

using MatPd = dnnl::matmul::primitive_desc;
void matmul_way(Product& p, const char* way, memory::desc a, memory av, memory::desc b, memory bv,
                memory::desc c, memory cv, std::vector<float>& out, memory* bias = nullptr) {
  std::vector<std::tuple<int, memory, memory::desc>> operands = {
      {DNNL_ARG_SRC, av, a}, {DNNL_ARG_WEIGHTS, bv, b}, {DNNL_ARG_DST, cv, c}};
  if (bias) operands.push_back({DNNL_ARG_BIAS, *bias, bias->get_desc()});
  try {
    run_primitive<MatPd, dnnl::matmul>(
        p, way,
        [&] {
          return bias ? MatPd(dnnl::matmul::desc(a, b, bias->get_desc(), c), engine)
                      : MatPd(dnnl::matmul::desc(a, b, c), engine);
        },
        operands, out);
  } catch (const dnnl::error& e) {
    std::printf("%s %s: %s\n", p.name, way, e.what());
  }
}

CblasSgemm cblas = nullptr;
constexpr int kRowMajor = 101, kNo = 111, kTrans = 112;

void transpose(const float* in, float* out, long r, long c, long ld_out) {  // in [r,c] -> out [c,ld_out]
#pragma omp parallel for collapse(2) schedule(static)
  for (long i0 = 0; i0 < r; i0 += 32)
    for (long j0 = 0; j0 < c; j0 += 32)
      for (long j = j0; j < std::min(c, j0 + 32); ++j)
        for (long i = i0; i < std::min(r, i0 + 32); ++i) out[j * ld_out + i] = in[i * c + j];
}

void copy_rows(const float* in, float* out, long r, long c, long ld) {
#pragma omp parallel for
  for (long i = 0; i < r; ++i) std::memcpy(out + i * ld, in + i * c, c * sizeof(float));
}

// C rows split over the threads, each thread calling dnnl_sgemm on its part (single-threaded inside the
// region).
void split_rows(char ta, char tb, long m, long n, long k, const float* a, long lda, const float* b, long ldb,
                float* c, long ldc) {
  long parts = threads, step = (m + parts - 1) / parts;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (long part = 0; part < parts; ++part) {
    long r0 = part * step, count = std::min(step, m - r0);
    if (count > 0)
      dnnl_sgemm(ta, tb, count, n, k, 1, ta == 'T' ? a + r0 : a + r0 * lda, lda, b, ldb, 0, c + r0 * ldc,
                 ldc);
  }
}
void split_columns(char ta, char tb, long m, long n, long k, const float* a, long lda, const float* b,
                   long ldb, float* c, long ldc) {
  long parts = threads, step = (n + parts - 1) / parts;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (long part = 0; part < parts; ++part) {
    long c0 = part * step, count = std::min(step, n - c0);
    if (count > 0)
      dnnl_sgemm(ta, tb, m, count, k, 1, a, lda, tb == 'T' ? b + c0 * ldb : b + c0, ldb, 0, c + c0, ldc);
  }
}

// Copies k rows of `count` floats out of a matrix with leading dimension `stride` into one with leading
// dimension `ld`.
void copy_block(const float* in, long stride, float* out, long ld, long k, long count) {
  for (long i = 0; i < k; ++i) std::memcpy(out + i * ld, in + i * stride, count * sizeof(float));
}

void forward(Product p) {
  long n = p.n, d = p.d, f = p.f;
  report(
      p, "sgemm", "", 0,
      [&] { dnnl_sgemm('N', 'T', n, f, d, 1, p.x.data(), d, p.w.data(), d, 0, p.y.data(), f); }, p.y);
  std::fill(p.b.begin(), p.b.end(), 0.0f);
  memory x = wrap(rows(n, d), p.x), wt = wrap(columns(d, f), p.w), w = wrap(rows(f, d), p.w),
         y = wrap(rows(n, f), p.y);
  memory b2 = wrap(rows(1, f), p.b), b1 = wrap({{f}, kF32, memory::dims{1}}, p.b);
  matmul_way(p, "matmul", x.get_desc(), x, wt.get_desc(), wt, y.get_desc(), y, p.y);
  matmul_way(p, "matmul +bias", x.get_desc(), x, wt.get_desc(), wt, y.get_desc(), y, p.y, &b2);
  matmul_way(p, "matmul any weights +bias", x.get_desc(), x, any(d, f), wt, y.get_desc(), y, p.y, &b2);
  matmul_way(p, "matmul any all", any(n, d), x, any(d, f), wt, any(n, f), y, p.y);
  using D = dnnl::inner_product_forward;
  for (bool blocked : {false, true}) {
    auto xd = x.get_desc(), wd = blocked ? any(f, d) : w.get_desc(), yd = y.get_desc();
    run_primitive<D::primitive_desc, D>(
        p, blocked ? "inner_product any weights +bias" : "inner_product +bias",
        [&] {
          return D::primitive_desc(D::desc(dnnl::prop_kind::forward_training, xd, wd, b1.get_desc(), yd),
                                   engine);
        },
        {{DNNL_ARG_SRC, x, xd},
         {DNNL_ARG_WEIGHTS, w, wd},
         {DNNL_ARG_BIAS, b1, b1.get_desc()},
         {DNNL_ARG_DST, y, yd}},
        p.y);
  }
  report(
      p, "split rows of sgemm", "", 0,
      [&] { split_rows('N', 'T', n, f, d, p.x.data(), d, p.w.data(), d, p.y.data(), f); }, p.y);
  report(
      p, "split columns of sgemm", "", 0,
      [&] { split_columns('N', 'T', n, f, d, p.x.data(), d, p.w.data(), d, p.y.data(), f); }, p.y);
  report(
      p, "transposed weights + sgemm NN", "", 0,
      [&] {
        transpose(p.w.data(), p.scratch.data(), f, d, f);
        dnnl_sgemm('N', 'N', n, f, d, 1, p.x.data(), d, p.scratch.data(), f, 0, p.y.data(), f);
      },
      p.y);
  if (cblas)
    report(
        p, "openblas", "", 0,
        [&] { cblas(kRowMajor, kNo, kTrans, n, f, d, 1, p.x.data(), d, p.w.data(), d, 0, p.y.data(), f); },
        p.y);
}

// dX with the rows split over the threads and F in chunks: dY's chunk is copied into a block without a bad
// stride.
void padded_chunks_data(Product& p, long chunk, long tokens) {
  long n = p.n, d = p.d, f = p.f, blocks = (n + tokens - 1) / tokens;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long block = 0; block < blocks; ++block) {
    static thread_local std::vector<float> dy;
    long r0 = block * tokens, rows = std::min(tokens, n - r0);
    dy.resize(tokens * (chunk + 16));
    for (long f0 = 0; f0 < f; f0 += chunk) {
      long k = std::min(chunk, f - f0);
      copy_block(p.dy.data() + r0 * f + f0, f, dy.data(), chunk + 16, rows, k);
      dnnl_sgemm('N', 'N', rows, d, k, 1, dy.data(), chunk + 16, p.w.data() + f0 * d, d, f0 ? 1 : 0,
                 p.dx.data() + r0 * d, d);
    }
  }
}

void backward_data(Product p) {
  long n = p.n, d = p.d, f = p.f;
  report(
      p, "sgemm", "", 0,
      [&] { dnnl_sgemm('N', 'N', n, d, f, 1, p.dy.data(), f, p.w.data(), d, 0, p.dx.data(), d); }, p.dx);
  memory dy = wrap(rows(n, f), p.dy), w = wrap(rows(f, d), p.w), dx = wrap(rows(n, d), p.dx),
         x = wrap(rows(n, d), p.x);
  matmul_way(p, "matmul", dy.get_desc(), dy, w.get_desc(), w, dx.get_desc(), dx, p.dx);
  matmul_way(p, "matmul any weights", dy.get_desc(), dy, any(f, d), w, dx.get_desc(), dx, p.dx);
  using D = dnnl::inner_product_backward_data;
  using Fwd = dnnl::inner_product_forward;
  for (bool blocked : {false, true}) {
    auto wd = blocked ? any(f, d) : w.get_desc();
    Fwd::primitive_desc hint(Fwd::desc(dnnl::prop_kind::forward_training, x.get_desc(), wd, dy.get_desc()),
                             engine);
    run_primitive<D::primitive_desc, D>(
        p, blocked ? "inner_product any weights" : "inner_product",
        [&] { return D::primitive_desc(D::desc(dx.get_desc(), wd, dy.get_desc()), engine, hint); },
        {{DNNL_ARG_DIFF_DST, dy, dy.get_desc()},
         {DNNL_ARG_WEIGHTS, w, wd},
         {DNNL_ARG_DIFF_SRC, dx, dx.get_desc()}},
        p.dx);
  }
  report(
      p, "split rows of sgemm", "", 0,
      [&] { split_rows('N', 'N', n, d, f, p.dy.data(), f, p.w.data(), d, p.dx.data(), d); }, p.dx);
  report(
      p, "split columns of sgemm", "", 0,
      [&] { split_columns('N', 'N', n, d, f, p.dy.data(), f, p.w.data(), d, p.dx.data(), d); }, p.dx);
  for (long chunk : {256L, 512L, 1024L})
    report(
        p, ("padded dY, F in " + std::to_string(chunk)).c_str(), "", 0,
        [&] { padded_chunks_data(p, chunk, 256); }, p.dx);
  if (cblas)
    report(
        p, "openblas", "", 0,
        [&] { cblas(kRowMajor, kNo, kNo, n, d, f, 1, p.dy.data(), f, p.w.data(), d, 0, p.dx.data(), d); },
        p.dx);
}

void split_k_weights(
    Product& p) {  // each thread sums its own rows of the batch; the halves are added afterwards
  long n = p.n, d = p.d, f = p.f, step = (n + threads - 1) / threads;
  static std::vector<std::vector<float>> parts;
  parts.resize(threads);
#pragma omp parallel num_threads(threads)
  {
    long t = omp_get_thread_num(), r0 = t * step, count = std::min(step, n - r0);
    if (t) parts[t].resize(f * d);
    float* out = t ? parts[t].data() : p.dw.data();
    dnnl_sgemm('T', 'N', f, d, count, 1, p.dy.data() + r0 * f, f, p.x.data() + r0 * d, d, 0, out, d);
#pragma omp barrier
    for (int o = 1; o < threads; ++o)
#pragma omp for
      for (long i = 0; i < f * d; ++i) p.dw[i] += parts[o][i];
  }
}

// Blocks of the batch's rows one after another, added up (beta = 1), so that the transposed operand stays in
// cache.
void chunked_k(Product& p, long chunk, bool pack) {
  long n = p.n, d = p.d, f = p.f, half = ((f / threads + 15) / 16) * 16;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int t = 0; t < threads; ++t) {
    static thread_local std::vector<float> block;
    long c0 = t * half, count = std::min(half, f - c0);
    if (count <= 0) continue;
    long ld = chunk;
    block.resize(count * ld);
    for (long r0 = 0; r0 < n; r0 += chunk) {
      long k = std::min(chunk, n - r0);
      const float* dy = p.dy.data() + r0 * f + c0;
      if (pack) {
        for (long i0 = 0; i0 < k; i0 += 16)
          for (long j = 0; j < count; ++j)
            for (long i = i0; i < std::min(k, i0 + 16); ++i) block[j * ld + i] = dy[i * f + j];
        dnnl_sgemm('N', 'N', count, d, k, 1, block.data(), ld, p.x.data() + r0 * d, d, r0 ? 1 : 0,
                   p.dw.data() + c0 * d, d);
      } else {
        dnnl_sgemm('T', 'N', count, d, k, 1, dy, f, p.x.data() + r0 * d, d, r0 ? 1 : 0, p.dw.data() + c0 * d,
                   d);
      }
    }
  }
}

enum class Pad { kGradient, kInput, kBoth };

// Tokens in chunks, the wider side of dW split over the threads; dY, X or both are copied (not transposed)
// into a block that fits the second-level cache and whose leading dimension is no power of two, so that the
// rows a micro-kernel walks do not fall into the same cache sets.
void padded_chunks(Product& p, long chunk, Pad pad, long widest = 1L << 40) {
  long n = p.n, d = p.d, f = p.f;
  bool split_f = f >= d;
  long whole = split_f ? f : d, step = std::min((whole / threads + 15) / 16 * 16, widest);
  long parts = (whole + step - 1) / step;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long part = 0; part < parts; ++part) {
    static thread_local std::vector<float> dy_block, x_block;
    long begin = part * step, count = std::min(step, whole - begin);
    if (count <= 0) continue;
    long f0 = split_f ? begin : 0, fs = split_f ? count : f, d0 = split_f ? 0 : begin,
         ds = split_f ? d : count;
    for (long r0 = 0; r0 < n; r0 += chunk) {
      long k = std::min(chunk, n - r0);
      const float *dy = p.dy.data() + r0 * f + f0, *x = p.x.data() + r0 * d + d0;
      long ldy = f, ldx = d;
      if (pad != Pad::kInput) {
        dy_block.resize(chunk * (fs + 16));
        copy_block(dy, f, dy_block.data(), fs + 16, k, fs);
        dy = dy_block.data(), ldy = fs + 16;
      }
      if (pad != Pad::kGradient) {
        x_block.resize(chunk * (ds + 16));
        copy_block(x, d, x_block.data(), ds + 16, k, ds);
        x = x_block.data(), ldx = ds + 16;
      }
      dnnl_sgemm('T', 'N', fs, ds, k, 1, dy, ldy, x, ldx, r0 ? 1 : 0, p.dw.data() + f0 * d + d0, d);
    }
  }
}

void backward_weights(Product p) {
  long n = p.n, d = p.d, f = p.f;
  report(
      p, "sgemm TN", "", 0,
      [&] { dnnl_sgemm('T', 'N', f, d, n, 1, p.dy.data(), f, p.x.data(), d, 0, p.dw.data(), d); }, p.dw);
  memory dy = wrap(rows(n, f), p.dy), dyt = wrap(columns(f, n), p.dy), x = wrap(rows(n, d), p.x),
         dw = wrap(rows(f, d), p.dw);
  memory xt = wrap(columns(d, n), p.x), dwt = wrap(columns(d, f), p.dw),
         db = wrap({{f}, kF32, memory::dims{1}}, p.db);
  matmul_way(p, "matmul TN", dyt.get_desc(), dyt, x.get_desc(), x, dw.get_desc(), dw, p.dw);
  matmul_way(p, "matmul TN any", any(f, n), dyt, any(n, d), x, dw.get_desc(), dw, p.dw);
  using D = dnnl::inner_product_backward_weights;
  using Fwd = dnnl::inner_product_forward;
  for (int mode : {0, 1, 2}) {
    auto wd = mode ? any(f, d) : dw.get_desc();
    auto sd = mode == 2 ? any(n, d) : x.get_desc(), yd = mode == 2 ? any(n, f) : dy.get_desc();
    Fwd::primitive_desc hint(Fwd::desc(dnnl::prop_kind::forward_training, sd, wd, db.get_desc(), yd), engine);
    const char* names[] = {"inner_product +db", "inner_product any dW +db", "inner_product any all +db"};
    run_primitive<D::primitive_desc, D>(
        p, names[mode], [&] { return D::primitive_desc(D::desc(sd, wd, db.get_desc(), yd), engine, hint); },
        {{DNNL_ARG_SRC, x, sd},
         {DNNL_ARG_DIFF_DST, dy, yd},
         {DNNL_ARG_DIFF_WEIGHTS, dw, wd},
         {DNNL_ARG_DIFF_BIAS, db, db.get_desc()}},
        p.dw);
  }
  for (long pad : {0L, 16L})
    report(
        p, pad ? "transposed dY (ld+16) + sgemm NN" : "transposed dY + sgemm NN", "", 0,
        [&] {
          transpose(p.dy.data(), p.scratch.data(), n, f, n + pad);
          dnnl_sgemm('N', 'N', f, d, n, 1, p.scratch.data(), n + pad, p.x.data(), d, 0, p.dw.data(), d);
        },
        p.dw);
  report(
      p, "padded copy of dY (ld+16) + sgemm TN", "", 0,
      [&] {
        copy_rows(p.dy.data(), p.scratch.data(), n, f, f + 16);
        dnnl_sgemm('T', 'N', f, d, n, 1, p.scratch.data(), f + 16, p.x.data(), d, 0, p.dw.data(), d);
      },
      p.dw);
  report(
      p, "sgemm X^T dY, then transpose", "", 0,
      [&] {
        dnnl_sgemm('T', 'N', d, f, n, 1, p.x.data(), d, p.dy.data(), f, 0, p.scratch.data(), f);
        transpose(p.scratch.data(), p.dw.data(), d, f, d);
      },
      p.dw);
  report(
      p, "split rows of dW, sgemm TN", "", 0,
      [&] { split_rows('T', 'N', f, d, n, p.dy.data(), f, p.x.data(), d, p.dw.data(), d); }, p.dw);
  report(
      p, "split columns of dW, sgemm TN", "", 0,
      [&] { split_columns('T', 'N', f, d, n, p.dy.data(), f, p.x.data(), d, p.dw.data(), d); }, p.dw);
  report(
      p, "split tokens, sgemm TN", "", 0, [&] { split_k_weights(p); }, p.dw);
  for (long chunk : {128L, 256L, 512L})
    for (bool pack : {false, true})
      report(
          p,
          (std::string(pack ? "packed " : "chunked ") + std::to_string(chunk) + " tokens, rows split")
              .c_str(),
          "", 0, [&] { chunked_k(p, chunk, pack); }, p.dw);
  const char* names[] = {"padded dY, ", "padded X, ", "padded both, "};
  for (long chunk : {128L, 256L, 512L})
    for (Pad pad : {Pad::kGradient, Pad::kInput, Pad::kBoth})
      report(
          p, (names[int(pad)] + std::to_string(chunk) + " tokens").c_str(), "", 0,
          [&] { padded_chunks(p, chunk, pad); }, p.dw);
  for (long widest : {512L, 1024L})
    report(
        p, ("padded both, 256 tokens, F in " + std::to_string(widest)).c_str(), "", 0,
        [&] { padded_chunks(p, 256, Pad::kBoth, widest); }, p.dw);
  if (cblas)
    report(
        p, "openblas", "", 0,
        [&] { cblas(kRowMajor, kTrans, kNo, f, d, n, 1, p.dy.data(), f, p.x.data(), d, 0, p.dw.data(), d); },
        p.dw);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) threads = std::atoi(argv[1]);
  omp_set_num_threads(threads);
  std::string only = argc > 2 ? argv[2] : "";
  if (void* blas = dlopen("/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblas.so.0", RTLD_NOW))
    cblas = reinterpret_cast<CblasSgemm>(dlsym(blas, "cblas_sgemm"));
  struct Shape {
    long n, d, f;
  };
  std::vector<Shape> shapes = {{4096, 256, 1024}, {512, 256, 1024}};
  if (only.empty() || argc > 3)
    shapes = {{4096, 256, 1024}, {512, 256, 1024},  {128, 256, 1024}, {4096, 1024, 256},
              {512, 1024, 256},  {128, 1024, 256},  {4096, 160, 640}, {512, 160, 640},
              {4096, 640, 160},  {4096, 768, 3072}, {512, 768, 3072}, {4096, 3072, 768},
              {4096, 256, 256},  {4096, 256, 768},  {640, 256, 8192}, {4096, 256, 8192}};
  for (auto s : shapes) {
    if (only.empty() || only.find('y') != std::string::npos) forward(Product("Y", s.n, s.d, s.f));
    if (only.empty() || only.find('x') != std::string::npos) backward_data(Product("dX", s.n, s.d, s.f));
    if (only.empty() || only.find('w') != std::string::npos) backward_weights(Product("dW", s.n, s.d, s.f));
  }
}
