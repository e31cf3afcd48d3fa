#include "pipeline/stream_memory.h"

#include <algorithm>

namespace espalier::pipeline {

constexpr double kMostGigabytes = 1e9;  // more than any machine, and its bytes can be counted

std::optional<std::uint64_t> StreamMemory::max_bytes() const {
  if (!max_gigabytes) return std::nullopt;
  return static_cast<std::uint64_t>(std::min(*max_gigabytes, kMostGigabytes) * 1e9);
}

void describe_stream(options::OptionTable& table, StreamMemory& memory, const std::string& where) {
  table
      .add("max-memory", memory.max_gigabytes, "GB",
           "decoders: GB of hidden states in memory; more go to " + where + "; default: all in memory")
      .at_least(0);
  table.choice("hidden-dtype", memory.hidden_dtype, "DTYPE", {{"f32", Dtype::kF32}, {"bf16", Dtype::kBF16}},
               "decoders: of hidden states between layers");
}

infer::StreamOptions stream_options(const StreamMemory& memory, const ScratchFolder& scratch,
                                    const RunContext& context) {
  return {.hidden_dtype = memory.hidden_dtype,
          .max_memory_bytes = memory.max_bytes(),
          .spill = scratch.path() / "hidden",
          .progress = context.progress};
}

}  // namespace espalier::pipeline
