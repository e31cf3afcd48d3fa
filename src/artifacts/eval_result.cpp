#include "artifacts/eval_result.h"

#include <cmath>

#include "artifacts/json_fields.h"
#include "base/files.h"

namespace espalier {
namespace {

using nlohmann::ordered_json;
using Metrics = std::map<std::string, double>;

Metrics metrics_from(JsonObject& object, std::string_view key) {
  JsonObject fields = object.object(key);
  Metrics metrics;
  for (const auto& [name, value] : object.value(key).items()) {
    metrics[name] = optional_number(fields, name).value_or(std::nan(""));
  }
  return metrics;
}

ordered_json metrics_to_json(const Metrics& metrics) {
  ordered_json object = ordered_json::object();
  for (const auto& [name, value] : metrics) object[name] = number_or_null(value);
  return object;
}

}  // namespace

std::string eval_result_to_json(const EvalResult& result) {
  ordered_json object{{"format", "espalier.eval/1"},
                      {"task", result.task},
                      {"split", result.split},
                      {"examples", result.examples},
                      {"metrics", metrics_to_json(result.metrics)}};
  for (const auto& [name, value] : result.settings) object["settings"][name] = value;
  for (const auto& [name, metrics] : result.baselines) object["baselines"][name] = metrics_to_json(metrics);
  return to_json_text(object, 2) + "\n";
}

EvalResult eval_result_from_json(std::string_view text, std::string_view where) {
  JsonObject object(parse_json(text, where), std::string(where));
  object.expect_format("eval", 1);
  EvalResult result;
  result.task = object.string("task");
  result.split = object.string("split");
  result.examples = object.integer("examples", {0});
  result.metrics = metrics_from(object, "metrics");
  if (object.has("settings")) {
    JsonObject settings = object.object("settings");
    for (const auto& [name, value] : object.value("settings").items())
      result.settings[name] = settings.string(name);
  }
  if (object.has("baselines")) {
    JsonObject baselines = object.object("baselines");
    for (const auto& [name, metrics] : object.value("baselines").items()) {
      result.baselines[name] = metrics_from(baselines, name);
    }
  }
  object.finish();
  return result;
}

void write_eval_result(const std::filesystem::path& file, const EvalResult& result) {
  write_file(file, eval_result_to_json(result));
}

EvalResult read_eval_result(const std::filesystem::path& file) {
  return eval_result_from_json(read_file(file), file.string());
}

}  // namespace espalier
