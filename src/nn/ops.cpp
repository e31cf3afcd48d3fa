#include "nn/ops.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/rng.h"

namespace espalier {

std::int64_t SequenceLayout::longest() const {
  std::int64_t longest = 0;
  for (std::int64_t b = 0; b < sequences(); ++b) longest = std::max(longest, length(b));
  return longest;
}

SequenceLayout SequenceLayout::uniform(std::int64_t count, std::int64_t length) {
  SequenceLayout layout;
  for (std::int64_t b = 0; b < count; ++b) layout.append(length);
  return layout;
}

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
