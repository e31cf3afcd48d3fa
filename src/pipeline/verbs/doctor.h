#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "pipeline/verb.h"

namespace espalier::pipeline {

struct DoctorOptions {};
void describe(options::OptionTable& table, DoctorOptions& options);

/// What this machine offers, and what the program makes of it.
struct DoctorSummary {
  std::string cpu;
  std::vector<std::string> cpu_flags;
  std::string kernels;
  std::vector<std::string> available_kernels;
  int threads = 1;
  int processors = 1;          ///< that this process may run on
  long online_processors = 1;  ///< of the machine
  std::uint64_t memory_bytes = 0;
  double load_average = 0;  ///< running tasks over the last minute, before measuring
  std::map<std::string, std::string> libraries;
  double one_thread_flops = 0, all_threads_flops = 0;  ///< a second, of a float32 product
  double copy_bytes = 0;                               ///< a second
  std::vector<std::string> openmp_runtimes;            ///< their files
  double waiting_microseconds = 0;                     ///< of processor time, before a thread sleeps
  std::vector<std::string> hints;                      ///< what keeps the machine from its best
};
/// "format": "espalier.doctor/1".
nlohmann::ordered_json to_json(const DoctorSummary& summary);
std::string to_text(const DoctorSummary& summary);

/// Looks and measures; takes about a second.
DoctorSummary doctor(const DoctorOptions& options, const RunContext& context);

Verb doctor_verb();

}  // namespace espalier::pipeline
