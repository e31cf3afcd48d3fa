#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"
#include "observe/align_plan.h"

namespace espalier {
namespace {

struct AlignArguments {
  std::string plan, model, out;
};

void run_align(const AlignArguments& arguments, const GlobalOptions& global) {
  const infer::DecoderModel model = infer::load_decoder(Checkpoint::open(arguments.model));
  const Terminal terminal(global);
  const Plan plan = align_plan(read_plan(arguments.plan), arguments.plan, model, terminal.progress());
  terminal.finish();
  write_plan(arguments.out, plan);
  std::size_t merges = 0;
  for (const LayerPlan& layer : plan.layers) merges += layer.merge.size();
  if (global.json) {
    const nlohmann::ordered_json json{
        {"format", "espalier.alignment/1"}, {"plan", arguments.out}, {"merges", merges}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{}: neurons of {} merge{} in order\n", arguments.out, merges,
                           merges == 1 ? "" : "s");
}

}  // namespace

void add_align(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<AlignArguments>();
  app.add_option("plan", arguments->plan, "a plan that merges experts")->required()->type_name("PLAN");
  app.add_option("model", arguments->model, "the model it was made for")->required()->type_name("MODEL");
  app.add_option("--out", arguments->out, "the plan with orders of neurons, JSON")
      ->required()
      ->type_name("FILE");
  app.footer("Example:\n  espalier align merge.json MODEL --out aligned.json");
  app.callback([arguments, &global] { run_align(*arguments, global); });
}

}  // namespace espalier
