#include <fmt/format.h>

#include <charconv>

#include "artifacts/metrics.h"
#include "artifacts/object_reader.h"
#include "base/error.h"

namespace espalier {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kMostLayers = 100'000;  // far above any model; keeps a damaged key from meaning something

void put(ordered_json& object, const char* key, const std::optional<double>& value) {
  if (value) object[key] = number_or_null(*value);
}

int layer_number(const std::string& key, std::string_view where) {
  int layer = -1;
  const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), layer);
  const bool whole_key = end == key.data() + key.size() && std::to_string(layer) == key;
  if (failure != std::errc{} || !whole_key || layer < 0 || layer >= kMostLayers) {
    throw UserError(fmt::format("{}: \"{}\" is not a layer number", where, key));
  }
  return layer;
}

/// `parse(value)` for every layer of the object under `key`; an absent key is no layers.
template <typename Parse>
auto by_layer(ObjectReader& reader, std::string_view key, Parse parse) {
  std::map<int, decltype(parse(json()))> layers;
  const json* found = reader.find(key);
  if (!found) return layers;
  if (!found->is_object()) reader.wrong(key, "an object from layer to value");
  for (const auto& [layer, value] : found->items()) {
    layers[layer_number(layer, fmt::format("{}: {}", reader.where(), key))] = parse(value);
  }
  return layers;
}

std::vector<double> shares(const ObjectReader& reader, const json& value) {
  constexpr double kRounding = 1e-3;  // shares that were summed in float32
  std::vector<double> result;
  if (!value.is_array()) reader.wrong("expert_load", "an object from layer to an array of shares");
  for (const json& item : value) {
    const double share = item.is_number() ? item.get<double>() : -1;
    if (!(share >= 0 && share <= 1 + kRounding)) {
      reader.wrong("expert_load", "arrays of shares from 0 to 1");
    }
    result.push_back(share);
  }
  return result;
}

int survivors(const ObjectReader& reader, const json& value) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::uint64_t{INT32_MAX}) {
    reader.wrong("survivors", "an object from layer to a number of experts");
  }
  return value.get<int>();
}

}  // namespace

std::string metrics_line_to_json(const MetricsLine& line) {
  ordered_json object{{"format", "espalier.metrics/1"}, {"step", line.step}};
  put(object, "loss", line.loss);
  put(object, "mlm_loss", line.mlm_loss);
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
  object["expert_load"] = ordered_json::object();
  for (const auto& [layer, load] : line.expert_load) object["expert_load"][std::to_string(layer)] = load;
  return to_text(object, -1) + "\n";
}

MetricsLine metrics_line_from_json(std::string_view text, std::string_view where) {
  const json value = parse_json(text, where);
  ObjectReader reader(value, where);
  reader.format("metrics");
  MetricsLine line;
  line.step = reader.integer("step");
  line.loss = reader.number("loss");
  line.mlm_loss = reader.optional_number("mlm_loss");
  line.balance_loss = reader.optional_number("balance_loss");
  line.valid_loss = reader.optional_number("valid_loss");
  line.lr = reader.number("lr");
  line.tokens = reader.integer("tokens");
  line.tokens_per_second = reader.number("tokens_per_second");
  line.grad_norm = reader.optional_number("grad_norm");
  line.seconds = reader.number("seconds");
  line.rss_bytes = reader.whole("rss_bytes");
  line.survivors = by_layer(reader, "survivors", [&](const json& v) { return survivors(reader, v); });
  line.expert_load = by_layer(reader, "expert_load", [&](const json& v) { return shares(reader, v); });
  reader.finish();
  return line;
}

}  // namespace espalier
