#include "cli/engine/stream_arguments.h"

#include "base/error.h"

namespace espalier {

void add_stream_options(CLI::App& app, StreamArguments& arguments) {
  app.add_option("--max-memory", arguments.max_memory_bytes,
                 "hidden states larger than this go to a file (8GB); default: never")
      ->transform(CLI::AsSizeValue(true).description(""))
      ->type_name("BYTES");
  app.add_option("--hidden-dtype", arguments.hidden_dtype, "of hidden states between layers: F32 or BF16")
      ->capture_default_str()
      ->check(CLI::IsMember({"F32", "BF16"}).description(""));
}

StreamOptions stream_options(const StreamArguments& arguments, const ScratchFolder& scratch,
                             const Terminal& terminal) {
  StreamOptions options;
  options.hidden_dtype = arguments.hidden_dtype == "BF16" ? Dtype::kBF16 : Dtype::kF32;
  options.max_memory_bytes = arguments.max_memory_bytes;
  options.spill = scratch.path() / "hidden";
  options.progress = terminal.progress();
  return options;
}

}  // namespace espalier
