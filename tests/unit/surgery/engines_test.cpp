// Which counts of experts programs take, by the constraints that their sources have.
#include "surgery/engines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "paths.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

Checkpoint golden(const char* folder) {
  return Checkpoint::open(std::filesystem::path(source_dir()) / "tests/golden/families" / folder);
}

/// One layer that keeps `kept` of `experts`.
Surgery surgery(const char* model_type, std::int64_t experts, int kept, std::int64_t groups = 1,
                std::int64_t top_groups = 1) {
  Surgery result;
  result.topology.model_type = model_type;
  result.topology.groups = groups;
  result.topology.top_groups = top_groups;
  result.topology.layers.push_back({1, experts});
  result.experts_per_token = 8;
  result.layers.resize(1);
  result.layers[0].keep.resize(static_cast<std::size_t>(kept));
  std::iota(result.layers[0].keep.begin(), result.layers[0].keep.end(), 0);
  return result;
}

struct Case {
  const char* engine;
  const char* folder;  // of a golden with the routing that is meant
  std::int64_t experts;
  int kept;
  std::int64_t groups, top_groups;
  bool takes, fast;
  std::optional<std::int64_t> nearest, nearest_fast;
};

const std::vector<Case> kCases{
    // any count, where groups divide it
    {"transformers", "glm4_moe", 256, 154, 1, 1, true, true, 154, 154},
    {"transformers", "deepseek_v32", 256, 154, 8, 4, false, false, 152, 152},
    // a general kernel runs for counts without one of their own
    {"vllm", "glm4_moe", 256, 154, 1, 1, true, false, 154, 128},
    {"vllm", "glm4_moe", 256, 192, 1, 1, true, true, 192, 192},
    {"vllm", "deepseek_v32", 256, 154, 8, 4, false, false, 152, 128},
    // but not for square roots of softplus
    {"vllm", "deepseek_v4", 256, 144, 1, 1, false, false, 128, 128},
    {"vllm", "deepseek_v4", 256, 160, 1, 1, false, false, 192, 192},
    {"vllm", "deepseek_v4", 256, 192, 1, 1, true, true, 192, 192},
    {"sglang", "glm4_moe", 256, 160, 1, 1, true, true, 160, 160},
    {"sglang", "glm4_moe", 256, 128, 1, 1, true, false, 128, 160},
    {"sglang", "deepseek_v32", 256, 128, 8, 4, true, true, 128, 128},
    {"llama.cpp", "glm4_moe", 384, 288, 1, 1, true, true, 288, 288},
    {"llama.cpp", "glm4_moe", 384, 320, 1, 1, true, false, 320, 288},
    {"llama.cpp", "glm4_moe", 2048, 1152, 1, 1, false, false, 1024, 576},
};

TEST(Engines, TakeTheCountsOfTheirSources) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(std::string(row.engine) + " " + row.folder + " " + std::to_string(row.kept));
    const Checkpoint checkpoint = golden(row.folder);
    const EngineReport report = ask_engines(
        {row.engine}, surgery(row.folder, row.experts, row.kept, row.groups, row.top_groups), checkpoint);
    ASSERT_EQ(report.answers.size(), 1U);
    EXPECT_EQ(report.experts, row.kept);
    EXPECT_EQ(report.answers[0].takes, row.takes) << report.answers[0].why;
    EXPECT_EQ(report.answers[0].fast, row.fast) << report.answers[0].why;
    EXPECT_EQ(report.answers[0].why.empty(), row.fast);
    EXPECT_EQ(report.nearest, row.nearest);
    EXPECT_EQ(report.nearest_fast, row.nearest_fast);
  }
}

TEST(Engines, ProposeWhatAllTake) {
  const std::vector<std::string> all(engine_names().begin(), engine_names().end());
  const EngineReport report = ask_engines(all, surgery("deepseek_v4", 384, 192), golden("deepseek_v4"));
  EXPECT_EQ(report.answers.size(), 4U);
  EXPECT_EQ(report.nearest, 192);
  EXPECT_EQ(report.nearest_fast, 256) << "llama.cpp has no kernel for 192, sglang none for 128";
}

TEST(Engines, ReadOneCountForAllLayers) {
  Surgery unequal = surgery("glm4_moe", 16, 12);
  unequal.topology.layers.push_back({2, 16});
  unequal.layers.push_back(unequal.layers[0]);
  unequal.layers[1].keep.pop_back();
  const EngineReport report = ask_engines({"vllm"}, unequal, golden("glm4_moe"));
  EXPECT_FALSE(report.answers[0].takes);
  EXPECT_THAT(report.answers[0].why, HasSubstr("one count for all layers"));
}

TEST(Engines, AnUnknownOneIsNamed) {
  fixtures::expect_user_error([] { ask_engines({"vllmm"}, surgery("glm4_moe", 8, 8), golden("glm4_moe")); },
                              {"--engine", "vllmm", "vllm"});
}

}  // namespace
}  // namespace espalier
