#pragma once

#include <optional>

#include "base/dtype.h"
#include "base/scratch_folder.h"
#include "infer/decoder_stream.h"
#include "options/option_table.h"
#include "pipeline/run_context.h"

namespace espalier::pipeline {

/// Where hidden states are kept while text streams through a language model.
struct StreamMemory {
  std::optional<double> max_gigabytes;  ///< in memory; more go to a mapped file; absent: all in memory
  Dtype hidden_dtype = Dtype::kF32;     ///< between layers: F32 or BF16

  std::optional<std::uint64_t> max_bytes() const;
};

/// --max-memory and --hidden-dtype; `where` says what takes the rest: "a mapped file".
void describe_stream(options::OptionTable& table, StreamMemory& memory, const std::string& where);

/// Hidden states past the limit go to `scratch`, which outlives the run.
infer::StreamOptions stream_options(const StreamMemory& memory, const ScratchFolder& scratch,
                                    const RunContext& context);

}  // namespace espalier::pipeline
