#include "nn/ops.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/rng.h"

namespace espalier {

Dropout attention_block(const Dropout& dropout, std::int64_t block) {
  return {dropout.probability, counter_random(dropout.key, static_cast<std::uint64_t>(block))};
}

std::string_view name(Backend backend) {
  return backend == Backend::kOneDnn ? "onednn" : "torch";
}

Backend parse_backend(std::string_view name) {
  if (name == "onednn") return Backend::kOneDnn;
  if (name == "torch") return Backend::kTorch;
  throw UserError(fmt::format("--backend: unknown backend '{}'", name), "known backends: onednn, torch");
}

const Ops& onednn_ops();
const Ops& torch_ops();

const Ops& ops(Backend backend) {
  return backend == Backend::kOneDnn ? onednn_ops() : torch_ops();
}

}  // namespace espalier
