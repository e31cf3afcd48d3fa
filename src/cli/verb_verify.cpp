#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "cli/surgery_arguments.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "surgery/verify.h"

namespace espalier {
namespace {

struct VerifyArguments {
  std::string model, result, plan;
  SurgeryArguments surgery;
};

void run_verify(const VerifyArguments& arguments, const GlobalOptions& global) {
  const Terminal terminal(global);
  const SurgeryOptions options =
      arguments.surgery.any() ? arguments.surgery.options() : recorded_options(arguments.result);
  const VerifySummary summary =
      verify_files(arguments.model, arguments.result, arguments.plan, options, terminal.progress());
  terminal.finish();
  if (global.json) {
    const nlohmann::ordered_json json = {{"format", "espalier.verified/1"},
                                         {"model", arguments.model},
                                         {"result", arguments.result},
                                         {"plan", arguments.plan},
                                         {"identical", true},
                                         {"tensors", summary.tensors},
                                         {"tensors_dropped", summary.dropped},
                                         {"bytes", summary.bytes},
                                         {"carried_files", summary.carried_files}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format(
      "{} is {} after {}: {} tensors, {} bytes identical; {} tensors gone; config.json and {} other files as "
      "they should be\n",
      arguments.result, arguments.model, arguments.plan, grouped_text(summary.tensors),
      grouped_text(summary.bytes), grouped_text(summary.dropped), summary.carried_files);
}

}  // namespace

void add_verify(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<VerifyArguments>();
  auto& a = *arguments;
  app.add_option("model", a.model, "checkpoint folder of the model before")->required()->type_name("MODEL");
  app.add_option("result", a.result, "checkpoint folder of the model after")->required()->type_name("DIR");
  app.add_option("--plan", a.plan, "plan.json that was applied")->required()->type_name("PLAN");
  add_surgery_options(app, a.surgery);
  app.footer(
      "Without the flags above, those that DIR/espalier/apply.json records.\n\nExample:\n  espalier verify "
      "Mixtral-8x7B-v0.1 Mixtral-4x7B --plan plan.json");
  app.callback([arguments, &global] { run_verify(*arguments, global); });
}

}  // namespace espalier
