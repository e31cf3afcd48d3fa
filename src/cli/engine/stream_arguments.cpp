#include "cli/engine/stream_arguments.h"

namespace espalier {

void add_stream_options(CLI::App& app, StreamArguments& arguments) {
  app.add_option("--max-memory", arguments.max_memory_gigabytes,
                 "decoders: GB of hidden states in memory; more go to a mapped file; default: all in memory")
      ->check(CLI::NonNegativeNumber.description(""))
      ->type_name("GB");
  app.add_option("--hidden-dtype", arguments.hidden_dtype,
                 "decoders: of hidden states between layers: f32 or bf16")
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "bf16"}).description(""));
}

infer::StreamOptions stream_options(const StreamArguments& arguments, const ScratchFolder& scratch,
                                    const Terminal& terminal) {
  infer::StreamOptions options;
  options.hidden_dtype = arguments.hidden_dtype == "bf16" ? Dtype::kBF16 : Dtype::kF32;
  if (arguments.max_memory_gigabytes) {
    options.max_memory_bytes = static_cast<std::uint64_t>(*arguments.max_memory_gigabytes * 1e9);
  }
  options.spill = scratch.path() / "hidden";
  options.progress = terminal.progress();
  return options;
}

}  // namespace espalier
