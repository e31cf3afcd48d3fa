#include "artifacts/eval_result.h"

#include <cmath>

#include "artifacts/json_fields.h"
#include "base/files.h"

namespace espalier {

std::string eval_result_to_json(const EvalResult& result) {
  nlohmann::ordered_json object{{"format", "espalier.eval/1"},
                                {"task", result.task},
                                {"split", result.split},
                                {"examples", result.examples},
                                {"metrics", nlohmann::ordered_json::object()}};
  for (const auto& [name, value] : result.metrics) object["metrics"][name] = number_or_null(value);
  return to_json_text(object, 2) + "\n";
}

EvalResult eval_result_from_json(std::string_view text, std::string_view where) {
  JsonObject object(parse_json(text, where), std::string(where));
  object.expect_format("eval", 1);
  EvalResult result;
  result.task = object.string("task");
  result.split = object.string("split");
  result.examples = object.integer("examples", {0});
  JsonObject metrics = object.object("metrics");
  for (const auto& [name, value] : object.value("metrics").items()) {
    result.metrics[name] = optional_number(metrics, name).value_or(std::nan(""));
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
