#include "artifacts/json_fields.h"
#include "sweep/comparison_tables.h"

namespace espalier {
namespace {

using nlohmann::ordered_json;

ordered_json number_or_null(const std::optional<double>& value) {
  return value ? espalier::number_or_null(*value) : ordered_json(nullptr);
}

ordered_json json_of(const RunScore& run) {
  ordered_json json{{"task", run.task},
                    {"setting", run.setting},
                    {"seed", run.seed},
                    {"score", espalier::number_or_null(run.score)}};
  json["tokens"] = run.tokens;
  if (run.parameters) json["parameters"] = *run.parameters;
  json["train_seconds"] = run.train_seconds;
  json["peak_rss_bytes"] = run.peak_rss_bytes;
  return json;
}

ordered_json json_of(const Difference& difference, const std::string& x, const std::string& y) {
  ordered_json json{
      {"setting", x}, {"minus", y}, {"n", difference.n}, {"mean", espalier::number_or_null(difference.mean)}};
  if (difference.half_width)
    json["interval"] = {difference.mean - *difference.half_width, difference.mean + *difference.half_width};
  return json;
}

ordered_json json_of(const ComparisonRow& row, const ComparisonLayout& layout) {
  ordered_json json{{"row", row.name}, {"scores", ordered_json::array()}};
  for (const auto& setting : layout.settings) {
    const auto& scores = row.scores.at(setting);
    const auto sample = sample_of(scores);
    ordered_json cell{{"setting", setting},
                      {"n", sample.n},
                      {"mean", espalier::number_or_null(sample.mean)},
                      {"deviation", number_or_null(sample.deviation)}};
    if (setting != layout.reference) {
      const auto& reference = row.scores.at(layout.reference);
      cell["kept"] = number_or_null(kept(scores, reference));
      if (layout.dense && setting != layout.dense && layout.reference != layout.dense)
        cell["benefit_kept"] = number_or_null(benefit_kept(scores, reference, row.scores.at(*layout.dense)));
    }
    json["scores"].push_back(std::move(cell));
  }
  json["differences"] = ordered_json::array();
  for (const auto& [x, y] : compared_pairs(layout))
    json["differences"].push_back(json_of(paired_difference(row.scores.at(x), row.scores.at(y)), x, y));
  json["baselines"] = ordered_json::object();
  for (const auto& [name, score] : row.baselines) json["baselines"][name] = espalier::number_or_null(score);
  return json;
}

}  // namespace

std::string comparison_json(const Comparison& comparison, const std::string& title, std::size_t planned) {
  const auto& layout = comparison.layout;
  ordered_json json{{"format", "espalier.sweep/1"}, {"grid", title},
                    {"planned", planned},           {"finished", comparison.runs.size()},
                    {"tasks", layout.tasks},        {"settings", layout.settings},
                    {"average", layout.average},    {"reference", layout.reference},
                    {"tokens", comparison.tokens}};
  if (comparison.token_budget) json["token_budget"] = *comparison.token_budget;
  if (layout.dense) json["dense"] = *layout.dense;
  json["rows"] = ordered_json::array();
  for (const auto& row : comparison.rows) json["rows"].push_back(json_of(row, layout));
  json["runs"] = ordered_json::array();
  for (const auto& run : comparison.runs) json["runs"].push_back(json_of(run));
  return to_readable_json_text(json);
}

}  // namespace espalier
