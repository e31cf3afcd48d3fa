#pragma once

#include <span>
#include <string_view>

namespace espalier {

/// The instruction sets that vector code is written for, the plainest first; each includes those before it.
enum class InstructionSet {
  kBaseline,  ///< what every processor of this kind has
  kAvx2,      ///< x86-64-v3: AVX2, FMA, F16C
  kAvx512     ///< x86-64-v4: AVX-512 F, BW, CD, DQ, VL
};

std::string_view name(InstructionSet set);  ///< "baseline", "avx2", "avx512"

/// Those that this machine runs, the plainest first.
std::span<const InstructionSet> available_instruction_sets();

/// The best that this machine runs, chosen once. ESPALIER_ISA=baseline|avx2|avx512 in the environment asks
/// for another; throws UserError if there is none of that name or the machine cannot run it.
InstructionSet instruction_set();

}  // namespace espalier
