#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "base/scratch_folder.h"
#include "cli/terminal.h"
#include "infer/decoder_stream.h"

namespace espalier {

/// --max-memory and --hidden-dtype, as the verbs share them that stream text through a language model.
struct StreamArguments {
  std::optional<double> max_memory_gigabytes;
  std::string hidden_dtype = "f32";
};

void add_stream_options(CLI::App& app, StreamArguments& arguments);

/// Hidden states past --max-memory go to `scratch`, which outlives the run.
infer::StreamOptions stream_options(const StreamArguments& arguments, const ScratchFolder& scratch,
                                    const Terminal& terminal);

}  // namespace espalier
