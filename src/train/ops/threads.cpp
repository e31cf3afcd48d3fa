#include "train/ops/threads.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <dnnl.hpp>

#include "infer/threads.h"

namespace espalier {

void configure_engine(int threads) {
  infer::configure_threads(threads);
  at::set_num_threads(threads);
}

std::map<std::string, std::string> library_versions() {
  const auto* dnnl = dnnl_version();
  return {{"espalier", ESPALIER_VERSION},
          {"torch", TORCH_VERSION},
          {"onednn", fmt::format("{}.{}.{}", dnnl->major, dnnl->minor, dnnl->patch)}};
}

}  // namespace espalier
