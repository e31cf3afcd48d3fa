#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "base/stopwatch.h"
#include "cli/surgery_arguments.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "surgery/partial_folder.h"

namespace espalier {
namespace {

struct ApplyArguments {
  std::string model, plan, out, scores;
  SurgeryArguments surgery;
  std::uint64_t shard_bytes = 0;
  bool overwrite = false, dry_run = false;
};

ApplyOptions options_of(const ApplyArguments& arguments, const GlobalOptions& global) {
  ApplyOptions options;
  options.model = arguments.model;
  options.plan = arguments.plan;
  options.out = arguments.out;
  if (!arguments.scores.empty()) options.scores = arguments.scores;
  options.surgery = arguments.surgery.options();
  options.shard_bytes = arguments.shard_bytes;
  options.if_exists = arguments.overwrite ? IfExists::kOverwrite : IfExists::kFail;
  options.command = global.command;
  return options;
}

void print(const ApplySummary& summary, const ApplyArguments& arguments, const GlobalOptions& global) {
  if (global.json) {
    nlohmann::ordered_json json = {
        {"format", "espalier.applied/1"}, {"out", arguments.out}, {"dry_run", arguments.dry_run}};
    json.update(to_json(summary));
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{}{}: {} by {}\n", arguments.dry_run ? "would write " : "", arguments.out,
                           arguments.model, arguments.plan)
            << to_text(summary);
  if (!arguments.dry_run) return;
  for (const auto& [file, bytes] : summary.files)
    std::cout << fmt::format("  {}  {} bytes\n", file, grouped_text(bytes));
}

void run_apply(const ApplyArguments& arguments, const GlobalOptions& global) {
  const ApplyOptions options = options_of(arguments, global);
  if (arguments.dry_run) {
    check_output(options.out, options.model, options.if_exists);
    print(prepare_surgery(options.model, options.plan, options.surgery, options.shard_bytes).summary,
          arguments, global);
    return;
  }
  const Terminal terminal(global);
  const Stopwatch watch;
  const ApplySummary summary = apply_to_files(options, terminal.progress(), terminal.notes());
  terminal.finish();
  if (summary.files_found > 0)
    terminal.notes()(fmt::format("{} of {} files were there from a run that was stopped", summary.files_found,
                                 summary.files.size()));
  terminal.notes()(fmt::format("written in {}", duration_text(watch.seconds())));
  print(summary, arguments, global);
}

}  // namespace

void add_apply(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<ApplyArguments>();
  auto& a = *arguments;
  app.add_option("model", a.model, "checkpoint folder; only read")->required()->type_name("MODEL");
  app.add_option("plan", a.plan, "plan.json")->required()->type_name("PLAN");
  app.add_option("--out", a.out, "folder to write")->required()->type_name("DIR");
  app.add_option("--scores", a.scores,
                 "scores.json the plan was made from: kept, and quoted in the model card")
      ->type_name("FILE");
  add_surgery_options(app, a.surgery);
  app.add_option("--shard-size", a.shard_bytes,
                 "largest safetensors file, e.g. 5GB (default: as the model's largest)")
      ->transform(CLI::AsSizeValue(true))
      ->type_name("BYTES");
  app.add_flag("--overwrite", a.overwrite, "the folder may hold an older model");
  app.add_flag("--dry-run", a.dry_run, "print the sizes and write nothing");
  app.footer("Example:\n  espalier apply Mixtral-8x7B-v0.1 plan.json --out Mixtral-4x7B");
  app.callback([arguments, &global] { run_apply(*arguments, global); });
}

}  // namespace espalier
