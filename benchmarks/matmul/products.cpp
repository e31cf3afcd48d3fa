// Products of matrices by kernels/gemm.h and by the libraries that could have been taken instead, in turns on
// the same operands. docs/design/matmul.md has the conclusions and says how to run it.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <regex>
#include <string>
#include <vector>

#include "kernels/gemm.h"
#include "matmul/contenders.h"

namespace {

using products::Product;

struct Shape {
  const char* name;
  std::int64_t m, n, k;
  bool turn_a, turn_b;
};

/// The three products of a linear layer: Y [N, F] = X W^T, dX [N, D] = dY W, dW [F, D] = dY^T X.
void add_layer(std::vector<Shape>& shapes, std::int64_t n, std::int64_t d, std::int64_t f) {
  shapes.push_back({"Y", n, f, d, false, true});
  shapes.push_back({"dX", n, d, f, false, false});
  shapes.push_back({"dW", f, d, n, true, false});
}

std::vector<Shape> all_shapes() {
  std::vector<Shape> shapes;
  const std::int64_t layers[][3] = {{4096, 256, 1024}, {512, 256, 1024}, {128, 256, 1024},  {512, 1024, 256},
                                    {128, 1024, 256},  {512, 160, 640},  {4096, 768, 3072}, {512, 768, 3072},
                                    {128, 768, 3072},  {512, 3072, 768}, {128, 3072, 768},  {4096, 256, 768},
                                    {4096, 256, 256},  {640, 256, 8192}};
  for (const auto& [n, d, f] : layers) add_layer(shapes, n, d, f);
  for (const std::int64_t width : {32, 64, 128}) {
    shapes.push_back({"QK", 128, 128, width, false, true});
    shapes.push_back({"PV", 128, width, 128, false, false});
    shapes.push_back({"dK", 128, width, 128, true, false});
    shapes.push_back({"QK", 512, 512, width, false, true});
    shapes.push_back({"PV", 512, width, 512, false, false});
  }
  for (const std::int64_t rows : {1, 2, 4, 8, 16, 24, 32, 48, 100, 300}) {
    shapes.push_back({"up", rows, 768, 2048, false, true});
    shapes.push_back({"down", rows, 2048, 768, false, true});
  }
  shapes.push_back({"gate", 2048, 1, 2048, false, true});
  shapes.push_back({"route", 2048, 60, 2048, false, true});
  shapes.push_back({"alike", 128, 128, 2048, false, true});
  shapes.push_back({"pairs", 64, 64, 4096, true, false});
  shapes.push_back({"tiny", 8, 8, 8, false, false});
  shapes.push_back({"tiny", 16, 16, 16, false, true});
  return shapes;
}

/// Processor time of all threads divided by their number: other programs disturb it less than the wall clock.
/// With more than one thread it is of use only if waiting threads sleep (OMP_WAIT_POLICY=passive).
double seconds(int threads) {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec)) / threads;
}

std::vector<float> filled(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::size_t i = 0;
  for (float& value : values) value = static_cast<float>((i++ * 2654435761u >> 8) % 1000) / 1000 - 0.5F;
  return values;
}

struct Contender {
  std::string name;
  std::function<void()> run;
  std::vector<double> seconds;

  double median() {
    std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2, seconds.end());
    return seconds[seconds.size() / 2];
  }
};

void compare(const Shape& s, int threads, double budget, const std::regex& wanted) {
  const auto a = filled(s.m * s.k), b = filled(s.k * s.n);
  std::vector<float> c(static_cast<std::size_t>(s.m * s.n)), expected;
  const Product p{s.m, s.n, s.k, s.turn_a, s.turn_b, a.data(), b.data(), c.data()};
  std::vector<Contender> contenders{{"ours", [&] {
                                       espalier::kernels::gemm(p.m, p.n, p.k, {p.a, p.a_stride(), p.turn_a},
                                                               {p.b, p.b_stride(), p.turn_b}, 0, p.c, p.n);
                                     }}};
  for (const auto& library : products::libraries())
    if (std::regex_search(library.name, wanted)) contenders.push_back({library.name, library.prepare(p)});
  for (auto& contender : contenders) {
    std::fill(c.begin(), c.end(), -7.0F);
    contender.run();
    if (expected.empty()) expected = c;
    for (std::size_t i = 0; i < c.size(); ++i)
      if (!(std::fabs(c[i] - expected[i]) < 1e-2F)) {
        std::printf("%s is wrong\n", contender.name.c_str());
        break;
      }
  }
  const double flops = 2.0 * static_cast<double>(s.m * s.n * s.k);
  // Short products are repeated within one reading of the clock.
  const int repeats = static_cast<int>(std::clamp(1e7 / flops, 1.0, 1000.0));
  const double begin = seconds(2);
  for (int round = 0; round < 5 || seconds(2) - begin < budget * static_cast<double>(contenders.size());
       ++round)
    for (auto& contender : contenders) {
      const double start = seconds(threads);
      for (int i = 0; i < repeats; ++i) contender.run();
      contender.seconds.push_back((seconds(threads) - start) / repeats);
    }
  std::printf("%-6s %5ld %5ld %5ld", s.name, long(s.m), long(s.n), long(s.k));
  double onednn = 0;
  double ours = 0;
  for (auto& contender : contenders) {
    const double rate = flops / contender.median() * 1e-9;
    if (ours == 0) ours = rate;
    if (contender.name.starts_with("onednn")) onednn = std::max(onednn, rate);
    std::printf("  %s %6.1f", contender.name.c_str(), rate);
  }
  std::printf("  ratio %.2f\n", ours / onednn);
  std::fflush(stdout);
}

}  // namespace

/// [THREADS [SECONDS_EACH [SHAPES [LIBRARIES]]]]: the last two regular expressions.
int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::max(1, std::atoi(argv[1])) : 1;
  const double budget = argc > 2 ? std::atof(argv[2]) : 0.2;
  const std::regex shapes(argc > 3 ? argv[3] : ""), libraries(argc > 4 ? argv[4] : "");
  omp_set_num_threads(threads);
  for (const auto& shape : all_shapes()) {
    const std::string label = std::string(shape.name) + " " + std::to_string(shape.m) + " " +
                              std::to_string(shape.n) + " " + std::to_string(shape.k);
    if (std::regex_search(label, shapes)) compare(shape, threads, budget, libraries);
  }
}
