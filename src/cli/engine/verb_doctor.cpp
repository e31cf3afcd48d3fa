#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/machine.h"
#include "bench/cpu_flags.h"
#include "bench/machine_rate.h"
#include "cli/engine/engine_verbs.h"
#include "cli/training.h"
#include "kernels/simd/kernels.h"

namespace espalier {
namespace {

constexpr double kMeasuredSeconds = 0.3;  // each of three

/// What this machine offers, and what the program makes of it.
struct Diagnosis {
  std::string cpu = cpu_name();
  std::vector<std::string> flags = cpu_flags();
  std::string kernels;
  std::vector<std::string> available_kernels;
  int threads = 1;
  int processors = hardware_threads();                       ///< that this process may run on
  long online_processors = ::sysconf(_SC_NPROCESSORS_ONLN);  ///< of the machine
  std::uint64_t memory = memory_bytes();
  double load = 0;  ///< average number of running tasks over the last minute, before measuring
  double one_thread_flops = 0, all_threads_flops = 0;  // per second
  double copy_bytes = 0;                               // per second
  std::vector<std::string> hints;
};

std::vector<std::string> hints_for(const Diagnosis& d) {
  std::vector<std::string> hints;
  if (d.processors < d.online_processors) {
    hints.push_back(fmt::format("this process may run on {} of the machine's {} processors (taskset, cgroup)",
                                d.processors, d.online_processors));
  }
  if (d.threads < d.processors) {
    hints.push_back(fmt::format("{} of {} processors are used: --threads {} uses all", d.threads,
                                d.processors, d.processors));
  }
  if (d.threads > d.processors) {
    hints.push_back(fmt::format("more threads than processors: --threads {} is faster", d.processors));
  }
  if (std::getenv("OMP_NUM_THREADS") != nullptr) {
    hints.emplace_back("OMP_NUM_THREADS has no effect: --threads sets the number of threads");
  }
  if (const char* isa = std::getenv("ESPALIER_ISA")) {
    hints.push_back(
        fmt::format("ESPALIER_ISA={} chooses the vector kernels; without it the best are taken", isa));
  }
  if (d.available_kernels.size() == 1) {
    hints.push_back(
        fmt::format("the vector kernels run in their {} variant: the machine lacks AVX2", d.kernels));
  }
  if (d.load > 0.5) {
    hints.push_back(
        fmt::format("other programs are running (load average {:.1f}): the rates are low", d.load));
  }
  return hints;
}

Diagnosis diagnose(int threads) {
  Diagnosis d;
  d.threads = threads;
  d.kernels = simd::kernels().isa;
  for (const simd::Kernels* kernels : simd::available_kernels())
    d.available_kernels.emplace_back(kernels->isa);
  if (::getloadavg(&d.load, 1) != 1) d.load = 0;
  d.one_thread_flops = matmul_flops_per_second(1, kMeasuredSeconds);
  d.all_threads_flops =
      threads == 1 ? d.one_thread_flops : matmul_flops_per_second(threads, kMeasuredSeconds);
  d.copy_bytes = copy_bytes_per_second(kMeasuredSeconds);
  d.hints = hints_for(d);
  return d;
}

/// "espalier" and the tensor libraries -> version.
std::map<std::string, std::string> libraries() {
  auto all = tensor_libraries();
  all["espalier"] = ESPALIER_VERSION;
  return all;
}

nlohmann::ordered_json to_json(const Diagnosis& d) {
  return {
      {"format", "espalier.doctor/1"},
      {"cpu", d.cpu},
      {"cpu_flags", d.flags},
      {"kernels", d.kernels},
      {"available_kernels", d.available_kernels},
      {"threads", d.threads},
      {"processors", d.processors},
      {"online_processors", d.online_processors},
      {"memory_bytes", d.memory},
      {"load_average", d.load},
      {"libraries", libraries()},
      {"matmul_flops_per_second", {{"one_thread", d.one_thread_flops}, {"all_threads", d.all_threads_flops}}},
      {"copy_bytes_per_second", d.copy_bytes},
      {"hints", d.hints}};
}

void print(const Diagnosis& d) {
  std::vector<std::string> versions;
  for (const auto& [library, version] : libraries()) versions.push_back(library + " " + version);
  std::cout << fmt::format("cpu             {}\n", d.cpu)
            << fmt::format("features        {}\n", fmt::join(d.flags, " "))
            << fmt::format("vector kernels  {} (of {})\n", d.kernels, fmt::join(d.available_kernels, ", "))
            << fmt::format("threads         {} of {} processors\n", d.threads, d.processors)
            << fmt::format("memory          {:.1f} GB\n", static_cast<double>(d.memory) / 1e9)
            << fmt::format("libraries       {}\n", fmt::join(versions, ", "))
            << fmt::format("matmul float32  {:.1f} GFLOP/s with 1 thread, {:.1f} with {}\n",
                           d.one_thread_flops / 1e9, d.all_threads_flops / 1e9, d.threads)
            << fmt::format("memory copy     {:.1f} GB/s with 1 thread, read plus written\n",
                           d.copy_bytes / 1e9);
  for (const std::string& hint : d.hints) std::cout << "note: " << hint << '\n';
}

}  // namespace

void add_doctor(CLI::App& app, const GlobalOptions& global) {
  app.footer("Example:\n  espalier doctor --threads 2");
  app.callback([&global] {
    const Diagnosis diagnosis = diagnose(global.threads.value_or(hardware_threads()));
    if (global.json) {
      std::cout << to_json(diagnosis).dump(2) << '\n';
    } else {
      print(diagnosis);
    }
  });
}

}  // namespace espalier
