#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>
#include <dnnl.hpp>

#include "cli/engine.h"
#include "cli/engine/engine_verbs.h"
#include "nn/threads.h"

namespace espalier {

namespace {

constexpr Verb kEngineVerbs[] = {
    {"pretrain", "pre-train an encoder on text by masked language modelling", add_pretrain},
};

}  // namespace

std::span<const Verb> engine_verbs() {
  return kEngineVerbs;
}

void set_engine_threads(int n) {
  configure_engine(n);
}

std::string engine_libraries() {
  const dnnl_version_t* dnnl = dnnl_version();
  return fmt::format("libtorch {}, oneDNN {}.{}.{}", TORCH_VERSION, dnnl->major, dnnl->minor, dnnl->patch);
}

}  // namespace espalier
