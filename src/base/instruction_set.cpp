#include "base/instruction_set.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"

namespace espalier {
namespace {

#if defined(__clang__)  // of clang 16, which knows no levels
#define ESPALIER_HAS_V3 __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
#define ESPALIER_HAS_V4 __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
#else
#define ESPALIER_HAS_V3 __builtin_cpu_supports("x86-64-v3")
#define ESPALIER_HAS_V4 __builtin_cpu_supports("x86-64-v4")
#endif

std::vector<InstructionSet> find_available() {
  std::vector<InstructionSet> found{InstructionSet::kBaseline};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (ESPALIER_HAS_V3) found.push_back(InstructionSet::kAvx2);
  if (ESPALIER_HAS_V4) found.push_back(InstructionSet::kAvx512);
#endif
  return found;
}

InstructionSet choose() {
  const auto available = available_instruction_sets();
  const char* wanted = std::getenv("ESPALIER_ISA");
  if (wanted == nullptr || *wanted == '\0') return available.back();
  std::string names;
  for (const InstructionSet set : available) {
    if (name(set) == wanted) return set;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name(set));
  }
  throw UserError(fmt::format("ESPALIER_ISA is '{}', but this machine runs only: {}", wanted, names),
                  "unset ESPALIER_ISA to use the fastest");
}

}  // namespace

std::string_view name(InstructionSet set) {
  if (set == InstructionSet::kBaseline) return "baseline";
  return set == InstructionSet::kAvx2 ? "avx2" : "avx512";
}

std::span<const InstructionSet> available_instruction_sets() {
  static const std::vector<InstructionSet> available = find_available();
  return available;
}

InstructionSet instruction_set() {
  static const InstructionSet chosen = choose();
  return chosen;
}

}  // namespace espalier
