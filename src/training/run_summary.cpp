#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "pipeline/evaluations.h"
#include "report/quantities.h"
#include "training/training_choice.h"

namespace espalier::training {
namespace {

double tokens_per_second(const TrainingSummary& training) {
  return training.seconds > 0 ? static_cast<double>(training.tokens) / training.seconds : 0.0;
}

}  // namespace

nlohmann::ordered_json to_json(const RunSummary& summary) {
  const TrainingSummary& training = summary.training;
  nlohmann::ordered_json json = {{"format", fmt::format("espalier.{}/1", summary.verb)},
                                 {"run", summary.run.string()},
                                 {"steps", training.steps},
                                 {"tokens", training.tokens},
                                 {"seconds", training.seconds},
                                 {"tokens_per_second", tokens_per_second(training)},
                                 {"loss", training.loss}};
  if (training.validation_loss) json["validation_loss"] = *training.validation_loss;
  if (summary.parameters) json["parameters"] = *summary.parameters;
  if (summary.eval) json["eval"] = nlohmann::ordered_json::parse(eval_result_to_json(*summary.eval));
  return json;
}

std::string to_text(const RunSummary& summary) {
  const TrainingSummary& training = summary.training;
  std::string text = fmt::format("{} steps, {} tokens in {} ({:.0f} tokens/s), loss {:.4f}", training.steps,
                                 grouped_text(static_cast<std::uint64_t>(training.tokens)),
                                 duration_text(training.seconds), tokens_per_second(training), training.loss);
  if (training.validation_loss) text += fmt::format(", validation loss {:.4f}", *training.validation_loss);
  text += fmt::format("\nmodel: {}\n", (summary.run / "model").string());
  if (!summary.parameters) return text;
  text += fmt::format("{} parameters", grouped_text(static_cast<std::uint64_t>(*summary.parameters)));
  return summary.eval ? pipeline::evaluation_text(text + ";", summary.primary, *summary.eval) : text + "\n";
}

}  // namespace espalier::training
