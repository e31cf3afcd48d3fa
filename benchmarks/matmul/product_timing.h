// The three products of a linear layer on made-up values, their timing, and the loop over shapes; for the
// studies beside it.
//   y   Y[N,F]  = X[N,D] W[F,D]^T
//   x   dX[N,D] = dY[N,F] W[F,D]
//   w   dW[F,D] = dY[N,F]^T X[N,D]
#pragma once

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <regex>
#include <string>
#include <vector>

using Values = std::vector<float>;

constexpr float kUnset = -7;        // what an output holds before a way fills it
constexpr double kRounding = 1e-2;  // between sums of up to 8192 products in another order
constexpr long kPad = 16;           // floats behind each row of a copy, so that rows leave the cache sets

inline int threads = 2;

struct Product {
  const char* name;
  long n, d, f;
  Values x, w, dy, y, dx, dw, scratch, expected;

  Product(const char* name_, long n_, long d_, long f_) : name(name_), n(n_), d(d_), f(f_) {
    const auto filled = [](long size) {
      Values values(static_cast<std::size_t>(size));
      std::size_t i = 0;
      for (float& value : values) value = static_cast<float>((i++ * 2654435761u >> 8) % 1000) / 1000 - 0.5f;
      return values;
    };
    x = filled(n * d), w = filled(f * d), dy = filled(n * f);
    y = filled(n * f), dx = filled(n * d), dw = filled(f * d);
    scratch = filled(std::max({n * f, n * d, f * d}) + kPad * (n + f + d));
  }
};

// On one thread the processor time, which other programs disturb less; on more, the wall clock.
inline double seconds() {
  timespec time;
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Way {
  std::string name;
  std::function<void()> run;
  std::string kernel;         // of a primitive: its name in oneDNN
  double create_seconds = 0;  // of a primitive
};

// A way's result is compared with the first one's; ONLY=REGEX leaves out later ones by name.
inline void report(Product& p, Values& out, const Way& way) {
  static const char* only = std::getenv("ONLY");
  static const double budget = std::getenv("SECONDS_EACH") ? std::atof(std::getenv("SECONDS_EACH")) : 0.15;
  if (only && !std::regex_search(way.name, std::regex(only)) && !p.expected.empty()) return;
  std::fill(out.begin(), out.end(), kUnset);
  way.run();
  if (p.expected.empty()) p.expected = out;
  double worst = 0;
  for (std::size_t i = 0; i < out.size(); ++i)
    worst = std::max(worst, double(std::fabs(out[i] - p.expected[i])));
  double best = 1e9;
  const auto begin = std::chrono::steady_clock::now();
  do {
    const double start = seconds();
    way.run();
    best = std::min(best, seconds() - start);
  } while (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < budget);
  const double rate = 2.0 * double(p.n) * double(p.d) * double(p.f) / best / 1e9;
  std::printf("%-2s N%5ld D%5ld F%5ld t%d %-32s %7.1f GFLOP/s  create %6.2f ms  %s%s\n", p.name, p.n, p.d,
              p.f, threads, way.name.c_str(), rate, way.create_seconds * 1e3, way.kernel.c_str(),
              worst > kRounding ? "  WRONG" : "");
  std::fflush(stdout);
}

// [THREADS] [yxw] [all]: with products and without "all" only the two main shapes.
template <class Y, class X, class W>
void study(int argc, char** argv, Y forward, X backward_data, W backward_weights) {
  if (argc > 1) threads = std::max(1, std::atoi(argv[1]));
  omp_set_num_threads(threads);
  const std::string products = argc > 2 ? argv[2] : "yxw";
  const long shapes[][3] = {{4096, 256, 1024}, {512, 256, 1024}, {128, 256, 1024},  {512, 1024, 256},
                            {128, 1024, 256},  {512, 160, 640},  {4096, 768, 3072}, {4096, 256, 768},
                            {4096, 256, 256},  {640, 256, 8192}};
  const std::size_t count = argc == 3 ? 2 : std::size(shapes);
  for (std::size_t i = 0; i < count; ++i) {
    const auto [n, d, f] = shapes[i];
    if (products.find('y') != std::string::npos) forward({"Y", n, d, f});
    if (products.find('x') != std::string::npos) backward_data({"dX", n, d, f});
    if (products.find('w') != std::string::npos) backward_weights({"dW", n, d, f});
  }
}
