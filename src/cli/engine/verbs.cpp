#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>
#include <dnnl.hpp>

#include "cli/engine.h"

namespace espalier {

// A table like kCoreVerbs in ../verbs.cpp: {"pretrain", "...", add_pretrain}.
std::span<const Verb> engine_verbs() {
  return {};
}

void set_engine_threads(int n) {
  at::set_num_threads(n);
}

std::string engine_libraries() {
  const dnnl_version_t* dnnl = dnnl_version();
  return fmt::format("libtorch {}, oneDNN {}.{}.{}", TORCH_VERSION, dnnl->major, dnnl->minor, dnnl->patch);
}

}  // namespace espalier
