#include "prune/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "prune/one_shot_plan.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

Scores two_layers() {
  Scores scores;
  scores.criterion = "reap";
  scores.experts_per_token = 1;
  scores.topology_sha256 = std::string(64, 'a');
  scores.layers = {{1, {0.5, 0.25, std::nan("")}, {10, 5, 0}, {0, 1, 2}, 1'000'000},
                   {3, {4, 5, 6}, {1, 2, 3}, {0, 1, 2}, 2'000'000}};
  return scores;
}

Plan keep_two() {
  return one_shot_plan(two_layers(), {.keep = KeepCount{2}, .protect = {{3, 0}}}, 7);
}

TEST(Explain, TextHasEveryExpertAndTheTotals) {
  const Scores scores = two_layers();
  EXPECT_EQ(to_text(explain(keep_two(), &scores)),
            "one_shot by reap, router reroute, 1 per token\n"
            "4 of 6 experts stay, 2 in each of 2 layers, 6.00 MB of 9.00 MB\n"
            "\n"
            "layer 1: 2 of 3 experts stay\n"
            "      expert                 score      tokens\n"
            "           0  kept             0.5          10\n"
            "           1  kept            0.25           5\n"
            "           2  dropped            -           0  never routed, rank 3 of 3\n"
            "\n"
            "layer 3: 2 of 3 experts stay\n"
            "      expert                 score      tokens\n"
            "           0  kept               4           1  protected\n"
            "           1  dropped            5           2  reap 5, rank 2 of 3\n"
            "           2  kept               6           3\n");
}

TEST(Explain, APlanAloneSaysWhatItKnows) {
  const std::string text = to_text(explain(keep_two(), nullptr));
  EXPECT_THAT(text, HasSubstr("4 of 6 experts stay, 2 in each of 2 layers\n"));
  EXPECT_THAT(text, HasSubstr("           2  dropped   never routed, rank 3 of 3\n"));
  EXPECT_THAT(text, HasSubstr("           0  kept\n"));
}

TEST(Explain, JsonForPrograms) {
  const Scores scores = two_layers();
  const auto json = to_json(explain(keep_two(), &scores));
  EXPECT_EQ(json.at("format"), "espalier.explanation/1");
  EXPECT_EQ(json.at("experts_after"), 4);
  EXPECT_EQ(json.at("expert_bytes_after"), 6'000'000);
  const auto& dropped = json.at("layers").at(0).at("experts").at(2);
  EXPECT_EQ(dropped.at("fate"), "dropped");
  EXPECT_TRUE(dropped.at("score").is_null());
  EXPECT_EQ(dropped.at("reason"), "never routed, rank 3 of 3");
}

TEST(Explain, ThePageEscapesWhatItShows) {
  Plan plan = keep_two();
  plan.layers[0].reason[2] = "<script>alert(1)</script>";
  const std::string html = to_html(explain(plan, nullptr), "a <b> plan");
  EXPECT_EQ(html.find("<script>alert"), std::string::npos);
  EXPECT_THAT(html, HasSubstr("a &lt;b&gt; plan"));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)"));
  EXPECT_THAT(html, HasSubstr("class=gone"));
}

TEST(Explain, NumbersFromTheStartOfTheRunAndMerges) {
  Plan plan;
  plan.provenance = {"alpha", "eager", 0, {}, {}, {}};
  plan.layers = {{.layer = 0,
                  .num_experts_before = 3,
                  .keep = {0, 2},
                  .merge = {{0, {0, 1}, {0.5, 0.5}}},
                  .original = {1, 4, 7}}};
  const Explanation explanation = explain(plan, nullptr);
  EXPECT_EQ(explanation.layers[0].experts[1].fate, ExpertFate::kMerged);
  EXPECT_EQ(explanation.layers[0].experts[1].original, 4);
  EXPECT_THAT(to_text(explanation), HasSubstr("       1 (4)  merged    0.5 of 0\n"));
}

TEST(Explain, ScoresMustBeOfThePlan) {
  Scores other = two_layers();
  other.topology_sha256 = std::string(64, 'b');
  fixtures::expect_user_error([&] { explain(keep_two(), &other); }, {"of different models"});
  other = two_layers();
  other.layers.pop_back();
  fixtures::expect_user_error([&] { explain(keep_two(), &other); }, {"block 3: the scores do not have it"});
}

}  // namespace
}  // namespace espalier
