#include <cmath>

#include "artifacts/json_fields.h"
#include "artifacts/layer_entry.h"
#include "artifacts/metrics.h"

namespace espalier {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

void put(ordered_json& object, const char* key, const std::optional<double>& value) {
  if (value) object[key] = number_or_null(*value);
}

int layer_number(const JsonObject& layers, const std::string& key) {
  if (const auto layer = key_as_number(key, kMostLayers)) return *layer;
  layers.fail(key, "not a layer number");
}

/// `read(layers, key)` for every layer of the object under `name`; without it there are no layers.
template <typename Read>
auto by_layer(JsonObject& object, std::string_view name, Read read) {
  std::map<int, decltype(read(object, std::string()))> result;
  if (!object.has(name)) return result;
  JsonObject layers = object.object(name);
  for (const auto& [key, value] : object.value(name).items()) {
    result[layer_number(layers, key)] = read(layers, key);
  }
  return result;
}

int read_survivors(JsonObject& layers, const std::string& key) {
  return small_count(layers, key, 0);
}

std::vector<double> read_shares(JsonObject& layers, const std::string& key) {
  constexpr double kRounding = 1e-3;  // shares that were summed in float32
  return layers.numbers(key, {0, 1 + kRounding});
}

/// Required, but null where it is not finite.
double number_or_nan(JsonObject& object, const json& line, const char* key) {
  return line.contains(key) ? optional_number(object, key).value_or(std::nan("")) : object.number(key);
}

}  // namespace

std::string metrics_line_to_json(const MetricsLine& line) {
  ordered_json object{{"format", "espalier.metrics/1"}, {"step", line.step}};
  put(object, "loss", line.loss);
  put(object, "mlm_loss", line.mlm_loss);
  put(object, "task_loss", line.task_loss);
  put(object, "balance_loss", line.balance_loss);
  put(object, "valid_loss", line.valid_loss);
  put(object, "lr", line.lr);
  object["tokens"] = line.tokens;
  put(object, "tokens_per_second", line.tokens_per_second);
  put(object, "grad_norm", line.grad_norm);
  put(object, "seconds", line.seconds);
  object["rss_bytes"] = line.rss_bytes;
  object["survivors"] = ordered_json::object();
  for (const auto& [layer, count] : line.survivors) object["survivors"][std::to_string(layer)] = count;
  for (const auto& [layer, numbers] : line.survivors_original)
    object["survivors_original"][std::to_string(layer)] = numbers;
  for (const auto& [metric, value] : line.valid_metrics)
    object["valid_metrics"][metric] = number_or_null(value);
  object["expert_load"] = ordered_json::object();
  for (const auto& [layer, load] : line.expert_load) object["expert_load"][std::to_string(layer)] = load;
  return to_json_text(object, -1) + "\n";
}

MetricsLine metrics_line_from_json(std::string_view text, std::string_view where) {
  const json parsed = parse_json(text, where);
  JsonObject object(parsed, std::string(where));
  object.expect_format("metrics", 1);
  MetricsLine line;
  line.step = object.integer("step", {0});
  line.loss = number_or_nan(object, parsed, "loss");
  line.mlm_loss = optional_number(object, "mlm_loss");
  line.task_loss = optional_number(object, "task_loss");
  line.balance_loss = optional_number(object, "balance_loss");
  line.valid_loss = optional_number(object, "valid_loss");
  line.lr = number_or_nan(object, parsed, "lr");
  line.tokens = object.integer("tokens", {0});
  line.tokens_per_second = number_or_nan(object, parsed, "tokens_per_second");
  line.grad_norm = optional_number(object, "grad_norm");
  line.seconds = number_or_nan(object, parsed, "seconds");
  line.rss_bytes = whole_number(object, "rss_bytes");
  line.survivors = by_layer(object, "survivors", read_survivors);
  line.survivors_original = by_layer(object, "survivors_original", expert_numbers);
  if (object.has("valid_metrics")) {
    JsonObject metrics = object.object("valid_metrics");
    for (const auto& [metric, value] : object.value("valid_metrics").items())
      line.valid_metrics[metric] = optional_number(metrics, metric).value_or(std::nan(""));
  }
  line.expert_load = by_layer(object, "expert_load", read_shares);
  object.finish();
  return line;
}

}  // namespace espalier
