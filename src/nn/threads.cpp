#include "nn/threads.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <malloc.h>
#include <omp.h>
#include <torch/version.h>

#include <dnnl.hpp>

namespace espalier {

void configure_engine(int threads) {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, 64 << 20);
  omp_set_num_threads(threads);
  at::set_num_threads(threads);
}

void return_freed_memory() {
  malloc_trim(0);
}

std::map<std::string, std::string> library_versions() {
  const auto* dnnl = dnnl_version();
  return {{"espalier", ESPALIER_VERSION},
          {"torch", TORCH_VERSION},
          {"onednn", fmt::format("{}.{}.{}", dnnl->major, dnnl->minor, dnnl->patch)}};
}

}  // namespace espalier
