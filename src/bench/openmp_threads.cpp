#include "bench/openmp_threads.h"

#include <link.h>
#include <omp.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <thread>

namespace espalier {
namespace {

int add_runtime(dl_phdr_info* object, std::size_t /*size*/, void* found) {
  const std::string_view file = object->dlpi_name;
  const auto name = file.substr(file.rfind('/') + 1);
  for (const std::string_view runtime : {"libgomp", "libomp", "libiomp"})
    if (name.starts_with(runtime)) static_cast<std::vector<std::string>*>(found)->emplace_back(file);
  return 0;
}

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void meet(int threads, std::chrono::milliseconds late) {
#pragma omp parallel num_threads(threads)
  if (omp_get_thread_num() == 0) std::this_thread::sleep_for(late);
}

}  // namespace

std::vector<std::string> openmp_runtimes() {
  std::vector<std::string> found;
  dl_iterate_phdr(add_runtime, &found);
  if (found.empty()) found.emplace_back("linked in");
  return found;
}

double waiting_microseconds(int threads) {
  constexpr std::chrono::milliseconds kLate{20};
  if (threads < 2) return 0;
  meet(threads, {});  // starts them
  std::array<double, 3> seconds{};
  for (double& one : seconds) {
    const double begin = processor_seconds();
    meet(threads, kLate);
    one = processor_seconds() - begin;
  }
  std::ranges::sort(seconds);
  return seconds[1] / (threads - 1) * 1e6;
}

}  // namespace espalier
