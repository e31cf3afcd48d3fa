#include "artifacts/run_cell.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "artifacts/json_fields.h"
#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::int64_t kMostBlocks = 100'000, kMostExpertNumber = 1'000'000;

CellLayer layer_of(const LayerScores& scores, const Plan& plan) {
  CellLayer layer{scores.layer, scores.original, scores.scores, scores.tokens, scores.original};
  for (const LayerPlan& planned : plan.layers)
    if (planned.layer == scores.layer) layer.kept = surviving_originals(planned);
  return layer;
}

std::vector<CellWindow> windows_of(const RunFolder& run) {
  std::vector<CellWindow> windows;
  for (std::size_t i = 0; i < std::min(run.scores.size(), run.plans.size()); ++i) {
    CellWindow window{run.scores[i].window ? run.scores[i].window->last_step : 0, {}};
    for (const LayerScores& layer : run.scores[i].layers)
      window.layers.push_back(layer_of(layer, run.plans[i]));
    windows.push_back(std::move(window));
  }
  return windows;
}

ordered_json json_of(const CellLayer& layer) {
  ordered_json scores = ordered_json::array();
  for (const double score : layer.scores) scores.push_back(number_or_null(score));
  return {{"layer", layer.layer},
          {"experts", layer.experts},
          {"scores", scores},
          {"tokens", layer.tokens},
          {"kept", layer.kept}};
}

ordered_json json_of(const std::vector<CellWindow>& windows) {
  ordered_json list = ordered_json::array();
  for (const CellWindow& window : windows) {
    ordered_json layers = ordered_json::array();
    for (const CellLayer& layer : window.layers) layers.push_back(json_of(layer));
    list.push_back({{"last_step", window.last_step}, {"layers", layers}});
  }
  return list;
}

std::vector<int> numbers_of_experts(JsonObject& object, std::string_view key) {
  std::vector<int> numbers;
  for (const auto number : object.integers(key, {0, kMostExpertNumber}))
    numbers.push_back(static_cast<int>(number));
  return numbers;
}

std::vector<double> scores_of(JsonObject& object) {
  std::vector<double> scores;
  const auto& list = object.value("scores");
  if (!list.is_array()) object.fail("scores", "expected a list of numbers");
  for (const auto& score : list) {
    if (!score.is_null() && !score.is_number()) object.fail("scores", "expected a list of numbers");
    scores.push_back(score.is_null() ? std::nan("") : score.get<double>());
  }
  return scores;
}

CellLayer layer_from(JsonObject object) {
  CellLayer layer{static_cast<int>(object.integer("layer", {0, kMostBlocks})),
                  numbers_of_experts(object, "experts"), scores_of(object), object.integers("tokens", {0}),
                  numbers_of_experts(object, "kept")};
  if (layer.scores.size() != layer.experts.size())
    object.fail("scores",
                fmt::format("found {} scores of {} experts", layer.scores.size(), layer.experts.size()));
  if (!layer.tokens.empty() && layer.tokens.size() != layer.experts.size())
    object.fail("tokens",
                fmt::format("found {} counts of {} experts", layer.tokens.size(), layer.experts.size()));
  object.finish();
  return layer;
}

std::vector<CellWindow> windows_from(JsonObject& object) {
  std::vector<CellWindow> windows;
  if (!object.has("windows")) return windows;
  for (JsonObject& one : object.objects("windows")) {
    CellWindow window{one.integer("last_step", {0}), {}};
    for (JsonObject& layer : one.objects("layers")) window.layers.push_back(layer_from(std::move(layer)));
    one.finish();
    windows.push_back(std::move(window));
  }
  return windows;
}

}  // namespace

RunCell read_run_cell(const fs::path& run_folder) {
  const RunFolder run = read_run_folder(run_folder);
  if (!run.eval)
    throw UserError(
        fmt::format("{}: no such file, though the run is finished", (run_folder / "eval.json").string()),
        "remove the folder of this run, and the same sweep makes it again");
  RunCell cell{.seed = run.manifest.seed,
               .eval = *run.eval,
               .parameters = run.manifest.parameters,
               .peak_rss_bytes = run.manifest.peak_rss_bytes,
               .cpu = run.manifest.machine.cpu,
               .started_at = run.manifest.started_at,
               .windows = windows_of(run)};
  const auto& options = run.manifest.options;
  if (const auto hash = options.find("starting_weights_sha256"); hash != options.end() && hash->is_string())
    cell.weights_sha256 = hash->get<std::string>();
  if (const auto train = run.manifest.timings_seconds.find("train");
      train != run.manifest.timings_seconds.end())
    cell.train_seconds = train->second;
  if (const auto version = run.manifest.versions.find("espalier"); version != run.manifest.versions.end())
    cell.version = version->second;
  if (!run.metrics.empty()) {
    cell.steps = run.metrics.back().step;
    cell.tokens = run.metrics.back().tokens;
  }
  return cell;
}

std::string cell_to_json(const RunCell& cell) {
  ordered_json json{{"format", "espalier.cell/1"},
                    {"task", cell.task},
                    {"setting", cell.setting},
                    {"seed", cell.seed},
                    {"options", cell.options}};
  if (cell.weights_sha256) json["weights_sha256"] = *cell.weights_sha256;
  json["eval"] = ordered_json::parse(eval_result_to_json(cell.eval));
  json["steps"] = cell.steps;
  json["tokens"] = cell.tokens;
  if (cell.parameters) json["parameters"] = *cell.parameters;
  json["train_seconds"] = number_or_null(cell.train_seconds);
  json["peak_rss_bytes"] = cell.peak_rss_bytes;
  json["cpu"] = cell.cpu;
  json["version"] = cell.version;
  json["started_at"] = cell.started_at;
  if (!cell.windows.empty()) json["windows"] = json_of(cell.windows);
  return to_readable_json_text(json);
}

RunCell cell_from_json(std::string_view text, std::string_view where) {
  JsonObject object(parse_json(text, where), std::string(where));
  object.expect_format("cell", 1);
  RunCell cell{.task = object.string("task"),
               .setting = object.string("setting"),
               .seed = whole_number(object, "seed")};
  JsonObject options = object.object("options");
  for (const auto& [name, value] : object.value("options").items()) cell.options[name] = options.string(name);
  cell.weights_sha256 = optional_string(object, "weights_sha256");
  cell.eval = eval_result_from_json(object.value("eval").dump(), fmt::format("{}: eval", where));
  cell.steps = object.integer("steps", {0});
  cell.tokens = object.integer("tokens", {0});
  cell.parameters = optional_whole_number(object, "parameters");
  cell.train_seconds = object.number("train_seconds", {0});
  cell.peak_rss_bytes = whole_number(object, "peak_rss_bytes");
  cell.cpu = object.string("cpu");
  cell.version = object.string("version");
  cell.started_at = object.string("started_at");
  cell.windows = windows_from(object);
  object.finish();
  return cell;
}

void write_cell(const fs::path& file, const RunCell& cell) {
  fs::create_directories(file.parent_path());
  write_file(file, cell_to_json(cell));
}

RunCell read_cell(const fs::path& file) {
  return cell_from_json(read_file(file), file.string());
}

}  // namespace espalier
