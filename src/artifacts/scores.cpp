#include "artifacts/scores.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "artifacts/json_fields.h"
#include "artifacts/layer_entry.h"
#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kScoreAgain =
    "the file was changed by hand or is damaged: `espalier score` writes it again";

ScoreWindow window_from(JsonObject object) {
  ScoreWindow window;
  window.index = object.integer("index", {1});
  window.first_step = object.integer("first_step", {1});
  window.last_step = object.integer("last_step", {1});
  window.tokens = object.integer("tokens", {0});
  object.finish();
  return window;
}

std::vector<double> numbers_or_nan(JsonObject& object, std::string_view key) {
  const json& found = object.value(key);
  if (!found.is_array()) object.fail(key, "expected an array of numbers and nulls");
  std::vector<double> numbers;
  for (const json& item : found) {
    if (!item.is_number() && !item.is_null()) {
      object.fail(fmt::format("{}[{}]", key, numbers.size()), "expected a number or null");
    }
    numbers.push_back(item.is_null() ? std::nan("") : item.get<double>());
  }
  return numbers;
}

LayerScores layer_scores_from(JsonObject object) {
  LayerScores layer;
  layer.layer = block_number(object, "layer");
  layer.scores = numbers_or_nan(object, "scores");
  if (object.has("tokens")) layer.tokens = object.integers("tokens", {0});
  if (object.has("original")) {
    layer.original = expert_numbers(object, "original");
  } else {
    layer.original.resize(layer.scores.size());
    std::iota(layer.original.begin(), layer.original.end(), 0);
  }
  layer.expert_bytes = optional_whole_number(object, "expert_bytes");
  object.finish();
  return layer;
}

ordered_json layer_to_json(const LayerScores& layer) {
  ordered_json object{{"layer", layer.layer}, {"scores", ordered_json::array()}};
  for (const double score : layer.scores) object["scores"].push_back(number_or_null(score));
  if (!layer.tokens.empty()) object["tokens"] = layer.tokens;
  object["original"] = layer.original;
  if (layer.expert_bytes) object["expert_bytes"] = *layer.expert_bytes;
  return object;
}

void validate_window(const ScoreWindow& window, std::string_view where) {
  if (window.index < 1 || window.first_step < 1 || window.last_step < window.first_step) {
    throw UserError(fmt::format("{}: window: number {} with steps {} to {}, expected a number from 1 and at "
                                "least one step",
                                where, window.index, window.first_step, window.last_step),
                    kScoreAgain);
  }
}

void validate_router(const Scores& scores, std::string_view where) {
  if (scores.router_groups >= 1 && scores.router_top_groups >= 1 &&
      scores.router_top_groups <= scores.router_groups) {
    return;
  }
  throw UserError(fmt::format("{}: router_top_groups: {} of {} groups, expected at least one of them", where,
                              scores.router_top_groups, scores.router_groups),
                  kScoreAgain);
}

/// Numbers of the experts of which fewer than `below` tokens were counted.
std::vector<int> rarer_than(const LayerScores& layer, std::int64_t below) {
  std::vector<int> experts;
  for (std::size_t i = 0; i < layer.tokens.size(); ++i) {
    if (layer.tokens[i] < below) experts.push_back(static_cast<int>(i));
  }
  return experts;
}

}  // namespace

std::vector<int> seen_too_rarely(const LayerScores& layer, std::int64_t min_tokens) {
  return rarer_than(layer, min_tokens);
}

std::vector<int> never_routed(const LayerScores& layer) {
  return rarer_than(layer, 1);
}

void validate(const Scores& scores, std::string_view where) {
  if (scores.window) validate_window(*scores.window, where);
  if (scores.topology_sha256) expect_sha256(*scores.topology_sha256, where, "topology_sha256");
  validate_router(scores, where);
  int before = -1;
  for (std::size_t i = 0; i < scores.layers.size(); ++i) {
    const LayerScores& layer = scores.layers[i];
    const LayerEntry entry(where, i);
    entry.expect_layer_after(layer.layer, before);
    before = layer.layer;
    const std::size_t experts = layer.scores.size();
    if (experts == 0 || experts > kMostExperts) {
      entry.fail("scores", fmt::format("{} entries, expected 1 to {}", experts, kMostExperts));
    }
    if (!layer.tokens.empty()) entry.expect_length("tokens", layer.tokens.size(), experts);
    entry.expect_length("original", layer.original.size(), experts);
    entry.expect_distinct("original", layer.original, kMostExperts);
  }
}

std::string scores_to_json(const Scores& scores) {
  ordered_json object{{"format", "espalier.scores/1"}, {"criterion", scores.criterion}};
  if (scores.window) {
    object["window"] = ordered_json{{"index", scores.window->index},
                                    {"first_step", scores.window->first_step},
                                    {"last_step", scores.window->last_step},
                                    {"tokens", scores.window->tokens}};
  }
  if (scores.experts_per_token) object["experts_per_token"] = *scores.experts_per_token;
  if (scores.router_groups > 1) {
    object["router_groups"] = scores.router_groups;
    object["router_top_groups"] = scores.router_top_groups;
  }
  if (scores.min_tokens > 0) object["min_tokens"] = scores.min_tokens;
  if (scores.seed) object["seed"] = *scores.seed;
  if (scores.topology_sha256) object["topology_sha256"] = *scores.topology_sha256;
  object["layers"] = ordered_json::array();
  for (const LayerScores& layer : scores.layers) object["layers"].push_back(layer_to_json(layer));
  return to_readable_json_text(object);
}

Scores scores_from_json(std::string_view text, std::string_view where) {
  JsonObject object(parse_json(text, where), std::string(where));
  object.expect_format("scores", 1);
  Scores scores;
  scores.criterion = object.string("criterion");
  if (object.has("window")) scores.window = window_from(object.object("window"));
  if (object.has("experts_per_token")) scores.experts_per_token = small_count(object, "experts_per_token", 1);
  scores.router_groups = static_cast<int>(object.integer("router_groups", {1, kMostExperts}, 1));
  scores.router_top_groups = static_cast<int>(object.integer("router_top_groups", {1, kMostExperts}, 1));
  scores.min_tokens = object.integer("min_tokens", {0}, 0);
  scores.seed = optional_whole_number(object, "seed");
  scores.topology_sha256 = optional_string(object, "topology_sha256");
  for (JsonObject& layer : object.objects("layers"))
    scores.layers.push_back(layer_scores_from(std::move(layer)));
  object.finish();
  validate(scores, where);
  return scores;
}

void write_scores(const std::filesystem::path& file, const Scores& scores) {
  write_file(file, scores_to_json(scores));
}

Scores read_scores(const std::filesystem::path& file) {
  return scores_from_json(read_file(file), file.string());
}

}  // namespace espalier
