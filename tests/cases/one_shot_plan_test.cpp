// Walks tests/cases/one_shot_plan/*.json: scores and a rule in; who stays, and why the others go, or the
// error, out.
#include "prune/one_shot_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "base/json.h"
#include "paths.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kFolder = fs::path(source_dir()) / "tests/cases/one_shot_plan";

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder)) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

OneShotRule rule_from(JsonObject object) {
  OneShotRule rule;
  if (object.has("keep")) rule.keep = parse_keep(object.string("keep"));
  if (object.has("keep_bytes"))
    rule.keep = KeepBytes{static_cast<std::uint64_t>(object.integer("keep_bytes"))};
  rule.budget = parse_plan_budget(object.string("budget", "per_layer"));
  rule.protect = parse_experts(object.string("protect", ""));
  rule.skip_layers = parse_layers(object.string("skip_layers", ""));
  rule.router = parse_plan_router(object.string("router", "reroute"));
  if (object.has("experts_per_token"))
    rule.experts_per_token = static_cast<int>(object.integer("experts_per_token"));
  if (object.string("groups", "") == "ignore") rule.groups = RouterGroupRule::kIgnore;
  object.finish();
  return rule;
}

LayerScores layer_from(JsonObject& object) {
  LayerScores layer;
  layer.layer = static_cast<int>(object.integer("layer"));
  for (const json& score : object.value("scores")) {
    layer.scores.push_back(score.is_null() ? std::nan("") : score.get<double>());
  }
  if (object.has("tokens")) layer.tokens = object.integers("tokens");
  if (object.has("expert_bytes"))
    layer.expert_bytes = static_cast<std::uint64_t>(object.integer("expert_bytes"));
  layer.original.resize(layer.scores.size());
  std::iota(layer.original.begin(), layer.original.end(), 0);
  return layer;
}

struct ExpectedLayer {
  int layer = 0;
  std::vector<std::int64_t> keep;
  json reason;  // null where the case does not say
};

struct Case {
  OneShotRule rule;
  Scores scores;
  std::vector<ExpectedLayer> layers;  // those in the plan
  std::vector<std::string> error;     // empty: none
};

Case read_case(const fs::path& file) {
  JsonObject object(read_json(file), file.string());
  object.string("what");
  Case result;
  result.rule = rule_from(object.object("rule"));
  result.scores.criterion = "reap";
  const auto k = static_cast<int>(object.integer("experts_per_token", {}, 2));
  if (k > 0) result.scores.experts_per_token = k;
  result.scores.router_groups = static_cast<int>(object.integer("router_groups", {}, 1));
  result.scores.router_top_groups = static_cast<int>(object.integer("router_top_groups", {}, 1));
  result.scores.min_tokens = object.integer("min_tokens", {}, 0);
  if (object.has("error")) result.error = object.strings("error");
  for (JsonObject& layer : object.objects("layers")) {
    result.scores.layers.push_back(layer_from(layer));
    const json* reason = layer.find_value("reason");
    if (layer.has("keep")) {
      result.layers.push_back(
          {result.scores.layers.back().layer, layer.integers("keep"), reason == nullptr ? json() : *reason});
    }
    layer.finish();
  }
  object.finish();
  return result;
}

class OneShotPlanCase : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Files, OneShotPlanCase, ::testing::ValuesIn(case_names()),
                         [](const auto& test) { return test.param; });

TEST_P(OneShotPlanCase, DecidesAsWritten) {
  const Case expected = read_case(kFolder / (GetParam() + ".json"));
  if (!expected.error.empty()) {
    fixtures::expect_user_error([&] { one_shot_plan(expected.scores, expected.rule, 0); }, expected.error);
    return;
  }
  const Plan plan = one_shot_plan(expected.scores, expected.rule, 0);
  ASSERT_EQ(plan.layers.size(), expected.layers.size());
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    const LayerPlan& layer = plan.layers[i];
    SCOPED_TRACE(layer.layer);
    EXPECT_EQ(layer.layer, expected.layers[i].layer);
    EXPECT_EQ(std::vector<std::int64_t>(layer.keep.begin(), layer.keep.end()), expected.layers[i].keep);
    if (expected.layers[i].reason.is_null()) continue;
    json reasons = json::object();
    for (const auto& [expert, text] : layer.reason) reasons[std::to_string(expert)] = text;
    EXPECT_EQ(reasons, expected.layers[i].reason);
  }
}

TEST(KeepOption, AWholeNumberIsACountANumberWithAPointAFraction) {
  EXPECT_EQ(std::get<KeepCount>(parse_keep("1")).count, 1);
  EXPECT_EQ(std::get<KeepCount>(parse_keep("128")).count, 128);
  EXPECT_EQ(std::get<KeepFraction>(parse_keep("0.5")).fraction, 0.5);
  EXPECT_EQ(std::get<KeepFraction>(parse_keep("1.0")).fraction, 1.0);
  EXPECT_EQ(std::get<KeepFraction>(parse_keep(".25")).fraction, 0.25);
}

TEST(KeepOption, AnythingElseIsAnError) {
  for (const char* text : {"", "0", "-1", "0.0", "-0.5", "1.5", "2.0", "half", "4x", "1e-1", "0.5.1", ".",
                           "nan", "99999999999999999999", "0.00001"}) {
    SCOPED_TRACE(text);
    fixtures::expect_user_error([&] { parse_keep(text); }, {"--keep: found", "a whole number keeps"});
  }
}

TEST(PlanOptions, ListsOfExpertsAndLayers) {
  const auto experts = parse_experts("3:5,10:0");
  ASSERT_EQ(experts.size(), 2u);
  EXPECT_EQ(experts[1].layer, 10);
  EXPECT_EQ(experts[1].expert, 0);
  EXPECT_TRUE(parse_experts("").empty());
  EXPECT_EQ(parse_layers("0,23"), (std::vector<int>{0, 23}));
  for (const char* text : {"3", "3:", ":5", "3:5,", "3:-1", "a:b", "3:5:7", "3:99999"}) {
    SCOPED_TRACE(text);
    fixtures::expect_user_error([&] { parse_experts(text); }, {"--protect: found", "expected LAYER:EXPERT"});
  }
  fixtures::expect_user_error([&] { parse_layers("1,,2"); }, {"--skip-layers: found \"\""});
  fixtures::expect_user_error([&] { parse_plan_budget("globl"); }, {"did you mean global?"});
  fixtures::expect_user_error([&] { parse_plan_router("zero_ouput"); }, {"did you mean zero_output?"});
}

}  // namespace
}  // namespace espalier
