#include "pipeline/verbs/doctor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdlib>

#include "base/machine.h"
#include "bench/cpu_flags.h"
#include "bench/machine_rate.h"
#include "bench/openmp_threads.h"
#include "kernels/simd/kernels.h"
#include "pipeline/make_verb.h"

namespace espalier::pipeline {
namespace {

constexpr double kMeasuredSeconds = 0.3;  // each of three
constexpr double kLongWait = 1000;        // microseconds: time slices are a few times as long

std::vector<std::string> hints_for(const DoctorSummary& d) {
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
  if (d.waiting_microseconds > kLongWait) {
    hints.emplace_back(
        "waiting threads spin (GOMP_SPINCOUNT or OMP_WAIT_POLICY is set): beside a busy program all is slow");
  }
  if (d.openmp_runtimes.size() > 1)
    hints.emplace_back("more than one OpenMP runtime is loaded: each has threads of its own");
  if (const char* isa = std::getenv("ESPALIER_ISA")) {
    hints.push_back(
        fmt::format("ESPALIER_ISA={} chooses the vector kernels; without it the best are taken", isa));
  }
  if (d.available_kernels.size() == 1) {
    hints.push_back(
        fmt::format("the vector kernels run in their {} variant: the machine lacks AVX2", d.kernels));
  }
  if (d.load_average > 0.5) {
    hints.push_back(
        fmt::format("other programs are running (load average {:.1f}): the rates are low", d.load_average));
  }
  return hints;
}

}  // namespace

void describe(options::OptionTable& /*table*/, DoctorOptions& /*options*/) {}

DoctorSummary doctor(const DoctorOptions& /*options*/, const RunContext& context) {
  DoctorSummary d;
  d.cpu = cpu_name();
  d.cpu_flags = cpu_flags();
  d.kernels = simd::kernels().isa;
  for (const simd::Kernels* kernels : simd::available_kernels())
    d.available_kernels.emplace_back(kernels->isa);
  d.threads = context.threads;
  d.processors = hardware_threads();
  d.online_processors = ::sysconf(_SC_NPROCESSORS_ONLN);
  d.memory_bytes = memory_bytes();
  if (::getloadavg(&d.load_average, 1) != 1) d.load_average = 0;
  d.libraries = context.libraries;
  d.libraries["espalier"] = ESPALIER_VERSION;
  d.one_thread_flops = matmul_flops_per_second(1, kMeasuredSeconds);
  d.all_threads_flops =
      d.threads == 1 ? d.one_thread_flops : matmul_flops_per_second(d.threads, kMeasuredSeconds);
  d.copy_bytes = copy_bytes_per_second(kMeasuredSeconds);
  d.openmp_runtimes = openmp_runtimes();
  d.waiting_microseconds = waiting_microseconds(d.threads);
  d.hints = hints_for(d);
  return d;
}

nlohmann::ordered_json to_json(const DoctorSummary& d) {
  return {
      {"format", "espalier.doctor/1"},
      {"cpu", d.cpu},
      {"cpu_flags", d.cpu_flags},
      {"kernels", d.kernels},
      {"available_kernels", d.available_kernels},
      {"threads", d.threads},
      {"processors", d.processors},
      {"online_processors", d.online_processors},
      {"memory_bytes", d.memory_bytes},
      {"load_average", d.load_average},
      {"libraries", d.libraries},
      {"openmp_runtimes", d.openmp_runtimes},
      {"waiting_microseconds", d.waiting_microseconds},
      {"matmul_flops_per_second", {{"one_thread", d.one_thread_flops}, {"all_threads", d.all_threads_flops}}},
      {"copy_bytes_per_second", d.copy_bytes},
      {"hints", d.hints}};
}

std::string to_text(const DoctorSummary& d) {
  std::vector<std::string> libraries;
  for (const auto& [library, version] : d.libraries) libraries.push_back(library + " " + version);
  const std::string waiting =
      d.threads == 1 ? "" : fmt::format("waiting threads sleep after {:.0f} us\n", d.waiting_microseconds);
  std::string text =
      fmt::format("cpu             {}\n", d.cpu) +
      fmt::format("features        {}\n", fmt::join(d.cpu_flags, " ")) +
      fmt::format("vector kernels  {} (of {})\n", d.kernels, fmt::join(d.available_kernels, ", ")) +
      fmt::format("threads         {} of {} processors\n", d.threads, d.processors) +
      fmt::format("memory          {:.1f} GB\n", static_cast<double>(d.memory_bytes) / 1e9) +
      fmt::format("libraries       {}\n", fmt::join(libraries, ", ")) +
      fmt::format("OpenMP          {}\n", fmt::join(d.openmp_runtimes, ", ")) + waiting +
      fmt::format("matmul float32  {:.1f} GFLOP/s with 1 thread, {:.1f} with {}\n", d.one_thread_flops / 1e9,
                  d.all_threads_flops / 1e9, d.threads) +
      fmt::format("memory copy     {:.1f} GB/s with 1 thread, read plus written\n", d.copy_bytes / 1e9);
  for (const std::string& hint : d.hints) text += fmt::format("note: {}\n", hint);
  return text;
}

Verb doctor_verb() {
  return make_verb({"doctor", "print what this machine offers, with a measured matmul rate",
                    "Example:\n  espalier doctor --threads 2", 275},
                   doctor);
}

}  // namespace espalier::pipeline
