#include "artifacts/scores.h"

#include <gtest/gtest.h>

#include <cmath>

#include "temporary_folder.h"

namespace espalier {
namespace {

Scores window_scores() {
  Scores scores;
  scores.criterion = "alpha";
  scores.window = ScoreWindow{.index = 2, .first_step = 13, .last_step = 25, .tokens = 4096};
  scores.experts_per_token = 1;
  scores.topology_sha256 = std::string(64, 'a');
  scores.layers = {{3, {0.1, std::nan(""), 0.9}, {400, 0, 3696}, {0, 4, 7}}, {7, {1.0}, {4096}, {2}}};
  return scores;
}

TEST(ScoresFile, IsReadBackExactly) {
  const TemporaryFolder folder;
  write_scores(folder / "scores-001.json", window_scores());
  const Scores back = read_scores(folder / "scores-001.json");
  EXPECT_EQ(scores_to_json(back), scores_to_json(window_scores()));
  EXPECT_EQ(back.criterion, "alpha");
  EXPECT_EQ(back.window->index, 2);
  EXPECT_EQ(back.window->first_step, 13);
  EXPECT_EQ(back.window->last_step, 25);
  EXPECT_EQ(back.window->tokens, 4096);
  EXPECT_EQ(back.experts_per_token, 1);
  EXPECT_EQ(back.topology_sha256, std::string(64, 'a'));
  ASSERT_EQ(back.layers.size(), 2u);
  EXPECT_EQ(back.layers[0].layer, 3);
  EXPECT_EQ(back.layers[0].scores[0], 0.1);  // not exact in binary: it must survive the text
  EXPECT_TRUE(std::isnan(back.layers[0].scores[1]));
  EXPECT_EQ(back.layers[0].tokens, (std::vector<std::int64_t>{400, 0, 3696}));
  EXPECT_EQ(back.layers[0].original, (std::vector<int>{0, 4, 7}));
}

TEST(ScoresFile, ALayersNumbersStandOnOneLine) {
  EXPECT_EQ(scores_to_json(window_scores()), R"({
  "format": "espalier.scores/1",
  "criterion": "alpha",
  "window": {
    "index": 2,
    "first_step": 13,
    "last_step": 25,
    "tokens": 4096
  },
  "experts_per_token": 1,
  "topology_sha256": ")" + std::string(64, 'a') + R"(",
  "layers": [
    {
      "layer": 3,
      "scores": [0.1,null,0.9],
      "tokens": [400,0,3696],
      "original": [0,4,7]
    },
    {
      "layer": 7,
      "scores": [1.0],
      "tokens": [4096],
      "original": [2]
    }
  ]
}
)");
}

TEST(ScoresFile, WhatMayBeAbsentIs) {
  const Scores scores = scores_from_json(
      R"({"format": "espalier.scores/1", "criterion": "reap",
          "layers": [{"layer": 0, "scores": [-2, 3], "tokens": [1, 2]}]})",
      "file");
  EXPECT_FALSE(scores.window);
  EXPECT_FALSE(scores.experts_per_token);
  EXPECT_FALSE(scores.topology_sha256);
  EXPECT_EQ(scores.layers[0].original, (std::vector<int>{0, 1}));
}

TEST(ScoresFile, MayHoldNoLayers) {
  Scores none = window_scores();
  none.layers.clear();
  EXPECT_TRUE(scores_from_json(scores_to_json(none), "file").layers.empty());
}

}  // namespace
}  // namespace espalier
