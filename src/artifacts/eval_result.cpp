#include "artifacts/eval_result.h"

#include "artifacts/object_reader.h"
#include "base/files.h"

namespace espalier {

std::string eval_result_to_json(const EvalResult& result) {
  nlohmann::ordered_json object{{"format", "espalier.eval/1"},
                                {"task", result.task},
                                {"split", result.split},
                                {"examples", result.examples},
                                {"metrics", nlohmann::ordered_json::object()}};
  for (const auto& [name, value] : result.metrics) object["metrics"][name] = number_or_null(value);
  return to_text(object, 2) + "\n";
}

EvalResult eval_result_from_json(std::string_view text, std::string_view where) {
  const nlohmann::json value = parse_json(text, where);
  ObjectReader reader(value, where);
  reader.format("eval");
  EvalResult result{.task = reader.text("task"),
                    .split = reader.text("split"),
                    .examples = reader.integer("examples"),
                    .metrics = {}};
  const nlohmann::json& metrics = reader.value("metrics");
  if (!metrics.is_object()) reader.wrong("metrics", "an object from name to number");
  for (const auto& [name, item] : metrics.items()) {
    const std::optional<double> number = as_number(item);
    if (!number) reader.wrong("metrics", "an object from name to number");
    result.metrics[name] = *number;
  }
  reader.finish();
  return result;
}

void write_eval_result(const std::filesystem::path& file, const EvalResult& result) {
  write_file(file, eval_result_to_json(result));
}

EvalResult read_eval_result(const std::filesystem::path& file) {
  return eval_result_from_json(read_file(file), file.string());
}

}  // namespace espalier
