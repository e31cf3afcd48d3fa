#include "pipeline/verbs/apply.h"

#include <fmt/format.h>

#include "base/stopwatch.h"
#include "pipeline/make_verb.h"
#include "pipeline/surgery_options.h"
#include "report/quantities.h"
#include "surgery/output_folder.h"

namespace espalier::pipeline {
namespace {

espalier::ApplySummary dry_run(const ApplyOptions& options) {
  expect_apart(options.out, options.model);
  check_output_folder(options.out, options.if_exists);
  return prepare_surgery(options.model, options.plan, options.surgery, options.shard_bytes.value_or(0))
      .summary;
}

espalier::ApplySummary write(const ApplyOptions& options, const RunContext& context) {
  const Stopwatch watch;
  auto summary = apply_to_files({.model = options.model,
                                 .plan = options.plan,
                                 .out = options.out,
                                 .scores = options.scores,
                                 .surgery = options.surgery,
                                 .shard_bytes = options.shard_bytes.value_or(0),
                                 .if_exists = options.if_exists,
                                 .command = context.command},
                                context.progress, context.note);
  if (!context.note) return summary;
  if (summary.files_found > 0)
    context.note(fmt::format("{} of {} files were there from a run that was stopped", summary.files_found,
                             summary.files.size()));
  context.note(fmt::format("written in {}", duration_text(watch.seconds())));
  return summary;
}

}  // namespace

void describe(options::OptionTable& table, ApplyOptions& options) {
  table.positional("model", options.model, "MODEL", "checkpoint folder; only read").require();
  table.positional("plan", options.plan, "PLAN", "plan.json").require();
  table.add("out", options.out, "DIR", "folder to write").require();
  table.add("scores", options.scores, "FILE",
            "scores.json the plan was made from: kept, and quoted in the model card");
  describe_surgery(table, options.surgery);
  table.bytes("shard-size", options.shard_bytes,
              "largest safetensors file, e.g. 5GB; default: as the model's largest");
  table.flag("overwrite", options.if_exists, IfExists::kOverwrite, "the folder may hold an older model");
  table.flag("dry-run", options.dry_run, "print the sizes and write nothing");
}

ApplySummary apply(const ApplyOptions& options, const RunContext& context) {
  return {options.model, options.plan, options.out, options.dry_run,
          options.dry_run ? dry_run(options) : write(options, context)};
}

nlohmann::ordered_json to_json(const ApplySummary& summary) {
  nlohmann::ordered_json json = {
      {"format", "espalier.applied/1"}, {"out", summary.out.string()}, {"dry_run", summary.dry_run}};
  json.update(figures_json(summary.result));
  return json;
}

std::string to_text(const ApplySummary& summary) {
  std::string text = fmt::format("{}{}: {} by {}\n", summary.dry_run ? "would write " : "",
                                 summary.out.string(), summary.model.string(), summary.plan.string()) +
                     figures_text(summary.result);
  if (!summary.dry_run) return text;
  for (const auto& [file, bytes] : summary.result.files)
    text += fmt::format("  {}  {} bytes\n", file, grouped_text(bytes));
  return text;
}

Verb apply_verb() {
  return make_verb({"apply", "write a smaller checkpoint by a plan, files to files",
                    "Example:\n  espalier apply Mixtral-8x7B-v0.1 plan.json --out Mixtral-4x7B", 80},
                   apply);
}

}  // namespace espalier::pipeline
