#include "bench/cpu_flags.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace espalier {

std::vector<std::string> cpu_flags() {
  constexpr const char* kOfInterest[] = {"sse4_2",      "avx",         "f16c",        "fma",      "avx2",
                                         "avx_vnni",    "avx512f",     "avx512bw",    "avx512dq", "avx512vl",
                                         "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8",
                                         "amx_bf16",    "asimd",       "sve"};
  std::ifstream input("/proc/cpuinfo");
  std::vector<std::string> found;
  for (std::string line; std::getline(input, line);) {
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    const std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
    for (const char* flag : kOfInterest) {
      if (std::find(all.begin(), all.end(), flag) != all.end()) found.emplace_back(flag);
    }
    break;
  }
  return found;
}

}  // namespace espalier
