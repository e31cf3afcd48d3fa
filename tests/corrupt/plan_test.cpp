// Bad scores and plans: what the error says, where, and what it hints at.
#include <gtest/gtest.h>

#include "artifacts/plan.h"
#include "artifacts/scores.h"
#include "base/json.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using nlohmann::json;

constexpr const char* kGoodPlan = R"({
  "format": "espalier.plan/1", "provenance": {"criterion": "reap", "schedule": "one_shot", "seed": 42},
  "router": "reroute", "experts_per_token": 2,
  "layers": [{"layer": 1, "num_experts_before": 4, "keep": [0, 2]},
             {"layer": 3, "num_experts_before": 6, "keep": [0, 2, 3],
              "merge": [{"into": 0, "from": [0, 1], "weights": [0.5, 0.5]},
                        {"into": 3, "from": [4, 3], "weights": [0.5, 0.5]}],
              "reason": {"5": "unused"}, "original": [0, 1, 2, 3, 8, 9]}]})";

constexpr const char* kGoodScores = R"({
  "format": "espalier.scores/1", "criterion": "alpha", "experts_per_token": 1,
  "window": {"index": 1, "first_step": 1, "last_step": 12, "tokens": 100},
  "layers": [{"layer": 1, "scores": [0.5, null], "tokens": [100, 0]},
             {"layer": 3, "scores": [0.5, 0.25, 0.25], "tokens": [50, 25, 25], "original": [0, 2, 5]}]})";

/// A good file with operations of a JSON Patch (RFC 6902) done to it, and what the error must say.
struct BadFile {
  const char* patch;
  std::vector<std::string> fragments;
};

std::ostream& operator<<(std::ostream& out, const BadFile& bad) {
  return out << bad.patch;
}

const std::vector<BadFile> kBadPlans{
    {R"([{"op": "replace", "path": "/format", "value": "espalier.plan/2"}])",
     {"f.json: format", "another version"}},
    {R"([{"op": "replace", "path": "/format", "value": "espalier.scores/1"}])", {"another kind of file"}},
    {R"([{"op": "add", "path": "/layer", "value": []}])", {"unknown field layer", "did you mean layers?"}},
    {R"([{"op": "add", "path": "/provenance/sed", "value": 1}])",
     {"unknown field provenance.sed", "did you mean seed?"}},
    {R"([{"op": "add", "path": "/layers/0/merges", "value": []}])",
     {"unknown field layers[0].merges", "did you mean merge?"}},
    {R"([{"op": "add", "path": "/layers/1/merge/0/form", "value": []}])",
     {"unknown field layers[1].merge[0].form", "did you mean from?"}},
    {R"([{"op": "remove", "path": "/provenance"}])", {"the field provenance is missing"}},
    {R"([{"op": "replace", "path": "/provenance/seed", "value": -1}])", {"provenance.seed"}},
    {R"([{"op": "add", "path": "/provenance/window", "value": 0}])", {"provenance.window: found 0"}},
    {R"([{"op": "add", "path": "/provenance/step", "value": 1.5}])", {"provenance.step: found 1.5"}},
    {R"([{"op": "add", "path": "/provenance/topology_sha256", "value": "ABC"}])",
     {"f.json: provenance.topology_sha256: found \"ABC\", expected 64 hexadecimal digits"}},
    {R"([{"op": "replace", "path": "/router", "value": "rerout"}])",
     {"router: found \"rerout\", expected reroute or zero_output", "did you mean reroute?"}},
    {R"([{"op": "add", "path": "/layers/0/novices", "value": {"1": [0.5]}}])",
     {"layers[0].novices: constants answer to the router rows of dropped experts", "zero_output"}},
    {R"([{"op": "replace", "path": "/router", "value": "zero_output"},
         {"op": "add", "path": "/layers/0/novices", "value": {"2": [0.5]}}])",
     {"layers[0].novices.2: expert 2 is kept"}},
    {R"([{"op": "replace", "path": "/router", "value": "zero_output"},
         {"op": "add", "path": "/layers/0/novices", "value": {"4": [0.5]}}])",
     {"layers[0].novices.4: there is no expert 4, expected 0 to 3"}},
    {R"([{"op": "replace", "path": "/router", "value": "zero_output"},
         {"op": "add", "path": "/layers/0/novices", "value": {"1": [0.5], "3": [0.5, 1]}}])",
     {"layers[0].novices.3", "2", "1"}},
    {R"([{"op": "replace", "path": "/router", "value": "zero_output"},
         {"op": "add", "path": "/layers/0/novices", "value": {"1": []}}])",
     {"layers[0].novices.1: 0 numbers"}},
    {R"([{"op": "replace", "path": "/router", "value": "zero_output"},
         {"op": "add", "path": "/layers/0/novices", "value": {"1": [1e39]}}])",
     {"layers[0].novices.1: found inf"}},
    {R"([{"op": "add", "path": "/layers/0/novices", "value": {"one": [0.5]}}])",
     {"novices.one: not the number of an expert"}},
    {R"([{"op": "add", "path": "/layers/0/novices", "value": [0.5]}])", {"layers[0].novices"}},
    {R"([{"op": "replace", "path": "/experts_per_token", "value": 0}])", {"experts_per_token: found 0"}},
    {R"([{"op": "replace", "path": "/experts_per_token", "value": 3}])",
     {"layers[0].keep: 2 experts stay, but experts_per_token is 3", "lower experts_per_token"}},
    {R"([{"op": "replace", "path": "/layers/1/layer", "value": 1}])",
     {"layers[1].layer: block 1 is listed twice"}},
    {R"([{"op": "replace", "path": "/layers/1/layer", "value": 0}])",
     {"layers[1].layer: block 0 comes after block 1"}},
    {R"([{"op": "replace", "path": "/layers/0/layer", "value": -1}])", {"layers[0].layer: found -1"}},
    {R"([{"op": "replace", "path": "/layers/0/layer", "value": 100000}])", {"layers[0].layer: found 100000"}},
    {R"([{"op": "replace", "path": "/layers/0/num_experts_before", "value": 0}])",
     {"layers[0].num_experts_before: found 0"}},
    {R"([{"op": "replace", "path": "/layers/0/num_experts_before", "value": 4294967298}])",
     {"layers[0].num_experts_before: found 4294967298"}},
    {R"([{"op": "replace", "path": "/layers/0/keep", "value": []}])",
     {"layers[0].keep: no expert is left", "at least one"}},
    {R"([{"op": "replace", "path": "/layers/0/keep", "value": [0, 4]}])",
     {"layers[0].keep[1]: there is no expert 4, expected 0 to 3"}},
    {R"([{"op": "replace", "path": "/layers/0/keep", "value": [-1, 2]}])", {"keep[0]: found -1"}},
    {R"([{"op": "replace", "path": "/layers/0/keep", "value": [4294967296, 2]}])",
     {"keep[0]: found 4294967296"}},
    {R"([{"op": "replace", "path": "/layers/0/keep", "value": [2, 2]}])",
     {"layers[0].keep[1]: expert 2 is listed twice"}},
    {R"([{"op": "replace", "path": "/layers/0/keep", "value": [2, 0]}])",
     {"layers[0].keep[1]: expert 0 comes after expert 2", "ascending"}},
    {R"([{"op": "replace", "path": "/layers/1/merge/0/into", "value": 5}])",
     {"layers[1].merge[0].into: expert 5 is not kept"}},
    {R"([{"op": "replace", "path": "/layers/1/merge/0/into", "value": 2}])",
     {"layers[1].merge[0].from: expert 2 itself is missing"}},
    {R"([{"op": "replace", "path": "/layers/1/merge/0/from", "value": [0, 6]}])",
     {"layers[1].merge[0].from[1]: there is no expert 6"}},
    {R"([{"op": "replace", "path": "/layers/1/merge/0/from", "value": [0, 0]}])",
     {"layers[1].merge[0].from[1]: expert 0 is listed twice"}},
    {R"([{"op": "replace", "path": "/layers/1/merge/0/from", "value": [0, 2]}])",
     {"layers[1].merge[0].from: expert 2 is kept itself"}},
    {R"([{"op": "replace", "path": "/layers/1/merge/1/from", "value": [3, 1]}])",
     {"layers[1].merge[1].from: expert 1 is in two merges"}},
    {R"([{"op": "replace", "path": "/layers/1/merge/1/weights", "value": [1]}])",
     {"layers[1].merge[1].weights: 1 entries, expected 2"}},
    {R"([{"op": "replace", "path": "/layers/1/merge/1/weights", "value": [1, null]}])",
     {"weights[1]: found null"}},
    {R"([{"op": "replace", "path": "/layers/1/reason", "value": {"05": "x"}}])",
     {"layers[1].reason.05: not the number of an expert"}},
    {R"([{"op": "replace", "path": "/layers/1/reason", "value": {"6": "x"}}])",
     {"layers[1].reason: there is no expert 6"}},
    {R"([{"op": "replace", "path": "/layers/1/reason", "value": {"5": 1}}])",
     {"layers[1].reason.5: expected a string"}},
    {R"([{"op": "replace", "path": "/layers/1/reason", "value": []}])", {"layers[1].reason: expected an"}},
    {R"([{"op": "replace", "path": "/layers/1/original", "value": [0, 1, 2, 3, 8]}])",
     {"layers[1].original: 5 entries, expected 6"}},
    {R"([{"op": "replace", "path": "/layers/1/original", "value": []}])", {"layers[1].original: 0 entries"}},
    {R"([{"op": "replace", "path": "/layers/1/original", "value": [0, 1, 2, 3, 8, 8]}])",
     {"layers[1].original[5]: expert 8 is listed twice"}},
};

const std::vector<BadFile> kBadScores{
    {R"([{"op": "replace", "path": "/format", "value": "espalier.plan/1"}])", {"another kind of file"}},
    {R"([{"op": "add", "path": "/criterium", "value": "alpha"}])",
     {"unknown field criterium", "did you mean criterion?"}},
    {R"([{"op": "remove", "path": "/criterion"}])", {"the field criterion is missing"}},
    {R"([{"op": "replace", "path": "/experts_per_token", "value": 0}])", {"experts_per_token: found 0"}},
    {R"([{"op": "add", "path": "/topology_sha256", "value": ""}])", {"topology_sha256", "64 hexadecimal"}},
    {R"([{"op": "replace", "path": "/window/index", "value": 0}])", {"window.index: found 0"}},
    {R"([{"op": "replace", "path": "/window/last_step", "value": 0}])", {"window.last_step: found 0"}},
    {R"([{"op": "replace", "path": "/window/first_step", "value": 13}])",
     {"window: number 1 with steps 13 to 12"}},
    {R"([{"op": "replace", "path": "/window/tokens", "value": -1}])", {"window.tokens: found -1"}},
    {R"([{"op": "add", "path": "/window/step", "value": 1}])", {"unknown field window.step"}},
    {R"([{"op": "add", "path": "/layers/0/score", "value": 1}])",
     {"unknown field layers[0].score", "did you mean scores?"}},
    {R"([{"op": "replace", "path": "/layers/1/layer", "value": 1}])", {"block 1 is listed twice"}},
    {R"([{"op": "replace", "path": "/layers/1/layer", "value": 0}])", {"block 0 comes after block 1"}},
    {R"([{"op": "replace", "path": "/layers/0/scores", "value": []}])", {"layers[0].scores: 0 entries"}},
    {R"([{"op": "replace", "path": "/layers/0/scores", "value": 1}])",
     {"layers[0].scores: expected an array"}},
    {R"([{"op": "replace", "path": "/layers/0/scores", "value": [1, "2"]}])",
     {"layers[0].scores[1]: expected a number or null"}},
    {R"([{"op": "replace", "path": "/layers/0/tokens", "value": [100]}])",
     {"layers[0].tokens: 1 entries, expected 2"}},
    {R"([{"op": "replace", "path": "/layers/0/tokens", "value": [100, -1]}])", {"tokens[1]: found -1"}},
    {R"([{"op": "replace", "path": "/layers/0/tokens", "value": [1, 2, 3]}])",
     {"layers[0].tokens: 3 entries, expected 2"}},
    {R"([{"op": "add", "path": "/router_groups", "value": 0}])", {"router_groups: found 0"}},
    {R"([{"op": "add", "path": "/router_top_groups", "value": 2}])",
     {"f.json: router_top_groups: 2 of 1 groups"}},
    {R"([{"op": "add", "path": "/min_tokens", "value": -1}])", {"min_tokens: found -1"}},
    {R"([{"op": "add", "path": "/layers/0/expert_bytes", "value": -1}])", {"layers[0].expert_bytes"}},
    {R"([{"op": "replace", "path": "/layers/1/original", "value": [0, 2]}])",
     {"layers[1].original: 2 entries, expected 3"}},
    {R"([{"op": "replace", "path": "/layers/1/original", "value": [0, 2, 0]}])",
     {"layers[1].original[2]: expert 0 is listed twice"}},
    {R"([{"op": "replace", "path": "/layers/1/original", "value": [0, 2, 65536]}])", {"found 65536"}},
};

std::string patched(const char* good, const char* patch) {
  return json::parse(good).patch(json::parse(patch)).dump();
}

TEST(CorruptPlan, TheFilesAllCasesStartFromAreGood) {
  EXPECT_EQ(plan_from_json(kGoodPlan, "f.json").layers.size(), 2u);
  EXPECT_EQ(scores_from_json(kGoodScores, "f.json").layers.size(), 2u);
}

class CorruptPlan : public ::testing::TestWithParam<BadFile> {};
INSTANTIATE_TEST_SUITE_P(Table, CorruptPlan, ::testing::ValuesIn(kBadPlans));

TEST_P(CorruptPlan, IsAUserErrorThatNamesTheField) {
  const std::string text = patched(kGoodPlan, GetParam().patch);
  SCOPED_TRACE(GetParam().patch);
  expect_user_error([&] { plan_from_json(text, "f.json"); }, GetParam().fragments);
}

class CorruptScores : public ::testing::TestWithParam<BadFile> {};
INSTANTIATE_TEST_SUITE_P(Table, CorruptScores, ::testing::ValuesIn(kBadScores));

TEST_P(CorruptScores, AreAUserErrorThatNamesTheField) {
  const std::string text = patched(kGoodScores, GetParam().patch);
  SCOPED_TRACE(GetParam().patch);
  expect_user_error([&] { scores_from_json(text, "f.json"); }, GetParam().fragments);
}

}  // namespace
}  // namespace espalier
