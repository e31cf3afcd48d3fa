#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "cli/surgery_arguments.h"
#include "cli/verbs.h"

namespace espalier {
namespace {

struct CheckArguments {
  std::string plan, model;
  SurgeryArguments surgery;
};

void run_check(const CheckArguments& arguments, const GlobalOptions& global) {
  const PreparedSurgery prepared =
      prepare_surgery(arguments.model, arguments.plan, arguments.surgery.options(), 0);
  if (global.json) {
    nlohmann::ordered_json json = {
        {"format", "espalier.check/1"}, {"plan", arguments.plan}, {"model", arguments.model}, {"fits", true}};
    json.update(to_json(prepared.summary));
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{} fits {} ({})\n", arguments.plan, arguments.model, prepared.summary.model_type)
            << to_text(prepared.summary);
}

}  // namespace

void add_check(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<CheckArguments>();
  app.add_option("plan", arguments->plan, "plan.json")->required()->type_name("PLAN");
  app.add_option("model", arguments->model, "checkpoint folder; only headers are read")
      ->required()
      ->type_name("MODEL");
  add_surgery_options(app, arguments->surgery);
  app.footer("Example:\n  espalier check plan.json Mixtral-8x7B-v0.1");
  app.callback([arguments, &global] { run_check(*arguments, global); });
}

}  // namespace espalier
