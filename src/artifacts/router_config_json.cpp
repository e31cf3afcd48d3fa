#include "artifacts/router_config_json.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/nearest.h"

namespace espalier {
namespace {

using Score = std::pair<std::string_view, GateScore>;
using OfGroup = std::pair<std::string_view, GroupScore>;
constexpr Score kScores[] = {{"softmax", GateScore::kSoftmax},
                             {"sigmoid", GateScore::kSigmoid},
                             {"sqrt_softplus", GateScore::kSqrtSoftplus},
                             {"softmax_of_chosen", GateScore::kSoftmaxOfChosen},
                             {"sparse_mixer", GateScore::kSparseMixer}};
constexpr OfGroup kGroupScores[] = {{"max", GroupScore::kMax},
                                    {"sum_of_two_best", GroupScore::kSumOfTwoBest}};
constexpr std::int64_t kMost = 65536;

template <typename Rows, typename Value>
std::string_view name_in(const Rows& rows, Value value) {
  for (const auto& [name, row] : rows) {
    if (row == value) return name;
  }
  return {};
}

template <typename Rows>
auto value_in(const Rows& rows, JsonObject& object, std::string_view key) {
  const std::string found = object.string(key);
  std::vector<std::string_view> names;
  for (const auto& [name, value] : rows) {
    if (name == found) return value;
    names.push_back(name);
  }
  object.fail(key, fmt::format("found \"{}\"", found), suggestion(found, names));
}

}  // namespace

nlohmann::ordered_json router_config_to_json(const RouterConfig& config) {
  nlohmann::ordered_json json = {{"score", name_in(kScores, config.score)},
                                 {"experts_per_token", config.experts_per_token},
                                 {"normalise", config.normalise},
                                 {"scale", config.scale},
                                 {"groups", config.groups},
                                 {"top_groups", config.top_groups},
                                 {"group_score", name_in(kGroupScores, config.group_score)},
                                 {"correction_bias", config.correction_bias}};
  if (config.sum_epsilon != RouterConfig{}.sum_epsilon) json["sum_epsilon"] = config.sum_epsilon;
  if (config.bias_on_logits) json["bias_on_logits"] = true;
  if (config.score == GateScore::kSparseMixer) json["mixer_epsilon"] = config.mixer_epsilon;
  return json;
}

RouterConfig router_config_from_json(JsonObject object) {
  RouterConfig config;
  config.score = value_in(kScores, object, "score");
  config.experts_per_token = object.integer("experts_per_token", {1, kMost});
  config.normalise = object.boolean("normalise");
  config.scale = object.number("scale");
  config.groups = object.integer("groups", {1, kMost});
  config.top_groups = object.integer("top_groups", {1, config.groups});
  config.group_score = value_in(kGroupScores, object, "group_score");
  config.correction_bias = object.boolean("correction_bias");
  config.sum_epsilon = object.number("sum_epsilon", {0.0, 1.0}, config.sum_epsilon);
  config.bias_on_logits = object.boolean("bias_on_logits", false);
  config.mixer_epsilon = object.number("mixer_epsilon", {0.0, 1.0}, config.mixer_epsilon);
  object.finish();
  return config;
}

}  // namespace espalier
