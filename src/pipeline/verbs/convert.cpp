#include "pipeline/verbs/convert.h"

#include <fmt/format.h>

#include "base/stopwatch.h"
#include "pipeline/make_verb.h"
#include "report/quantities.h"

namespace espalier::pipeline {

void describe(options::OptionTable& table, ConvertOptions& options) {
  table.positional("model", options.model, "MODEL", "checkpoint folder; only read").require();
  table.add("out", options.out, "DIR", "folder to write").require();
  table.choice("to", options.to, "FORMAT",
               {{"bf16", ConvertTo::kBf16}, {"f32", ConvertTo::kF32}, {"fp8", ConvertTo::kFp8}},
               "how matrices are stored; fp8: a scale for each 128 x 128");
  table.bytes("shard-size", options.shard_bytes,
              "largest safetensors file, e.g. 5GB; default: as the model's largest");
  table.flag("overwrite", options.if_exists, IfExists::kOverwrite, "the folder may hold an older model");
}

ConvertSummary convert(const ConvertOptions& options, const RunContext& context) {
  const Stopwatch watch;
  auto result = convert_files({.model = options.model,
                               .out = options.out,
                               .to = options.to,
                               .shard_bytes = options.shard_bytes.value_or(0),
                               .if_exists = options.if_exists,
                               .command = context.command},
                              context.progress, context.note);
  if (context.note && result.files_found > 0)
    context.note(fmt::format("{} of {} files were there from a run that was stopped", result.files_found,
                             result.files.size()));
  if (context.note) context.note(fmt::format("done in {}", duration_text(watch.seconds())));
  return {options.model, options.out, std::move(result)};
}

nlohmann::ordered_json to_json(const ConvertSummary& summary) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array(), costs = nlohmann::ordered_json::array();
  for (const auto& [file, bytes] : summary.result.files) files.push_back({{"file", file}, {"bytes", bytes}});
  for (const ConversionCost& cost : summary.result.costs)
    costs.push_back({{"kind", cost.kind},
                     {"weights", cost.weights},
                     {"numbers", cost.numbers},
                     {"relative_error", cost.relative_error}});
  return {{"format", "espalier.converted/1"},
          {"out", summary.out.string()},
          {"file_bytes_before", summary.result.file_bytes_before},
          {"file_bytes", summary.result.file_bytes_after},
          {"files", std::move(files)},
          {"costs", std::move(costs)}};
}

std::string to_text(const ConvertSummary& summary) {
  const auto& result = summary.result;
  std::string text = fmt::format("{}: {} in another format, {} bytes (before: {})\n", summary.out.string(),
                                 summary.model.string(), grouped_text(result.file_bytes_after),
                                 grouped_text(result.file_bytes_before));
  if (result.costs.empty()) text += "nothing is stored anew: all bytes are those of the model\n";
  for (const ConversionCost& cost : result.costs)
    text +=
        fmt::format("{:<20} {:>7} weights {:>18} numbers  relative error {:.2e}\n", cost.kind, cost.weights,
                    grouped_text(static_cast<std::uint64_t>(cost.numbers)), cost.relative_error);
  return text;
}

Verb convert_verb() {
  return make_verb(
      {"convert", "store a model's weights in another format, and say what it costs",
       "Example:\n  espalier convert Kimi-K2-Thinking --to bf16 --out Kimi-K2-Thinking-BF16", 185},
      convert);
}

}  // namespace espalier::pipeline
