// Walks tests/cases/window_plan/*.json: a rule, a window and scores in; who stays, and why the others go,
// out.
#include "prune/window_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/json.h"
#include "paths.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(source_dir()) / "tests/cases/window_plan";

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder)) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

WindowRule rule_from(JsonObject object) {
  WindowRule rule;
  rule.schedule = parse_prune_schedule(object.string("schedule"));
  rule.criterion = &find_criterion(object.string("criterion", "alpha"));
  rule.beta = object.number("beta", {}, rule.beta);
  rule.gamma = object.number("gamma", {}, rule.gamma);
  rule.force_drop = parse_force_drop(object.string("force_drop", "windows"));
  rule.steps = object.integer("steps");
  rule.experts = object.integer("experts");
  object.finish();
  return rule;
}

struct Case {
  WindowRule rule;
  std::int64_t window = 1;
  Scores scores;
  std::vector<std::vector<std::int64_t>> keep;  // [layers]
  std::vector<nlohmann::json> reasons;          // [layers], null where the case does not say
};

Case read_case(const fs::path& file) {
  JsonObject object(read_json(file), file.string());
  Case result{rule_from(object.object("rule")), object.integer("window"), {}, {}, {}};
  object.string("what");
  result.scores.criterion = result.rule.criterion->name;
  result.scores.experts_per_token = 1;
  for (JsonObject& layer : object.objects("layers")) {
    LayerScores scores{static_cast<int>(layer.integer("layer")), layer.numbers("scores"), {}, {}};
    for (std::size_t i = 0; i < scores.scores.size(); ++i) {
      scores.tokens.push_back(1);
      scores.original.push_back(static_cast<int>(i));
    }
    result.scores.layers.push_back(std::move(scores));
    result.keep.push_back(layer.integers("keep"));
    const nlohmann::json* reason = layer.find_value("reason");
    result.reasons.push_back(reason == nullptr ? nlohmann::json() : *reason);
    layer.finish();
  }
  object.finish();
  return result;
}

class WindowPlanCase : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Files, WindowPlanCase, ::testing::ValuesIn(case_names()),
                         [](const auto& test) { return test.param; });

TEST_P(WindowPlanCase, DecidesAsWritten) {
  const Case expected = read_case(kFolder / (GetParam() + ".json"));
  const auto ends = window_ends(expected.rule);
  ASSERT_LE(expected.window, static_cast<std::int64_t>(ends.size()));
  const WindowEnd& end = ends[static_cast<std::size_t>(expected.window - 1)];
  const Plan plan = window_plan(expected.scores, expected.rule, end, 0);
  ASSERT_EQ(plan.layers.size(), expected.keep.size());
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    const LayerPlan& layer = plan.layers[i];
    SCOPED_TRACE(layer.layer);
    EXPECT_EQ(std::vector<std::int64_t>(layer.keep.begin(), layer.keep.end()), expected.keep[i]);
    EXPECT_EQ(layer.reason.size() + layer.keep.size(), static_cast<std::size_t>(layer.num_experts_before));
    for (const auto& [expert, text] : expected.reasons[i].items()) {
      EXPECT_EQ(layer.reason.at(std::stoi(expert)), text.get<std::string>());
    }
  }
}

}  // namespace
}  // namespace espalier
