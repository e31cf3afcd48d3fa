#include "bench/machine_rate.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/stopwatch.h"
#include "kernels/gemm.h"

namespace espalier {
namespace {

constexpr int kFewestRounds = 3;

/// The shortest time of one call, after one that is not timed.
template <class Work>
double best_seconds(double seconds, Work&& work) {
  work();
  double best = 0;
  const Stopwatch all;
  for (int round = 0; round < kFewestRounds || all.seconds() < seconds; ++round) {
    const Stopwatch one;
    work();
    best = round == 0 ? one.seconds() : std::min(best, one.seconds());
  }
  return best;
}

class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;
  ~ThreadCount() { omp_set_num_threads(before_); }

 private:
  int before_;
};

}  // namespace

double matmul_flops_per_second(int threads, double seconds) {
  constexpr std::int64_t kRows = 256, kIn = 768, kOut = 3072;
  const ThreadCount scope(threads);
  const std::vector<float> x(kRows * kIn, 0.5F), weight(kOut * kIn, 0.25F);
  std::vector<float> y(kRows * kOut);
  const double best = best_seconds(seconds, [&] {
    kernels::gemm(kRows, kOut, kIn, {x.data(), kIn}, {weight.data(), kIn, true}, 0.0F, y.data(), kOut);
  });
  return 2.0 * kRows * kIn * kOut / best;
}

double copy_bytes_per_second(double seconds) {
  constexpr std::size_t kBytes = std::size_t{128} << 20;
  const std::vector<char> from(kBytes, 1);
  std::vector<char> to(kBytes);
  const double best = best_seconds(seconds, [&] {
    std::memcpy(to.data(), from.data(), kBytes);
    asm volatile("" : : "r"(to.data()) : "memory");  // what was copied counts as used
  });
  return 2.0 * static_cast<double>(kBytes) / best;
}

}  // namespace espalier
