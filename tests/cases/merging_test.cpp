// Walks tests/cases/{similarity,grouping,merge_weights,subset_search,merge_method}: layers worked by hand in,
// what the table's row makes of them out; every row has a case and a line in the documentation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "base/json.h"
#include "paths.h"
#include "prune/grouping.h"
#include "prune/merge_plan.h"
#include "prune/merge_weights.h"
#include "prune/reconstruction.h"
#include "prune/similarity.h"
#include "reference/similarity.h"
#include "unit/base/user_error.h"
#include "unit/prune/token_samples.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using fixtures::expect_user_error;
using nlohmann::json;

const fs::path kSource = source_dir();
const fs::path kCases = kSource / "tests/cases";
constexpr double kRounding = 1e-6;  // single tokens are float32

std::vector<std::string> cases_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kCases / folder))
    names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

json read_case(const std::string& folder, const std::string& name) {
  return read_json(kCases / folder / (name + ".json"));
}

reference::Outputs outputs_of(const json& test) {
  return test.at("outputs").get<reference::Outputs>();
}

void expect_numbers(const std::vector<double>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], kRounding) << i;
}

TEST(MergingCases, SimilaritiesAreThoseWorkedByHand) {
  for (const std::string& name : cases_in("similarity")) {
    SCOPED_TRACE(name);
    const json test = read_case("similarity", name);
    const auto expected = test.at("expected").get<std::vector<double>>();
    std::size_t E = 1;
    while (E * E < expected.size()) ++E;
    const std::size_t D = test.contains("outputs") ? outputs_of(test)[0][0].size() : 1;
    LayerObservations layer(0, E, D);
    layer.tokens = 2;
    if (test.contains("outputs")) layer.every_expert = layer.probes = reference::moments_of(outputs_of(test));
    if (test.contains("logit_product_sum"))
      layer.logit_product_sum = test.at("logit_product_sum").get<std::vector<double>>();
    if (test.contains("weight_cosine"))
      layer.weight_cosine = test.at("weight_cosine").get<std::vector<double>>();
    expect_numbers(similarity_of(find_similarity(test.at("similarity").get<std::string>()), layer), expected);
  }
}

TEST(MergingCases, GroupsAreThoseWorkedByHand) {
  for (const std::string& name : cases_in("grouping")) {
    SCOPED_TRACE(name);
    const json test = read_case("grouping", name);
    std::vector<double> similarity;
    for (const json& row : test.at("similarity"))
      for (const json& value : row) similarity.push_back(value.get<double>());
    const std::size_t E = test.at("similarity").size();
    const auto use = test.value("use", std::vector<double>(E, 1.0));
    EXPECT_EQ(find_grouping(test.at("grouping").get<std::string>())
                  .make({similarity, use, test.at("groups").get<int>()}),
              test.at("expected").get<ExpertGroups>());
  }
}

TEST(MergingCases, WeightsAreThoseWorkedByHand) {
  for (const std::string& name : cases_in("merge_weights")) {
    SCOPED_TRACE(name);
    const json test = read_case("merge_weights", name);
    LayerObservations layer(0, test.at("routed").size(), 1);
    layer.tokens = test.at("tokens").get<double>();
    layer.routed = test.at("routed").get<std::vector<double>>();
    layer.gate_sum = test.at("gate_sum").get<std::vector<double>>();
    if (test.contains("outputs"))
      layer.samples = fixtures::samples_of(outputs_of(test), test.at("gates").get<fixtures::Rows>(),
                                           test.at("gates").get<fixtures::Rows>());
    const GroupWeights found = find_merge_weighting(test.at("weights").get<std::string>())
                                   .compute(layer, test.at("groups").get<ExpertGroups>());
    const auto expected = test.at("expected").get<std::vector<std::vector<double>>>();
    ASSERT_EQ(found.weights.size(), expected.size());
    for (std::size_t g = 0; g < expected.size(); ++g) {
      expect_numbers(found.weights[g], expected[g]);
      EXPECT_EQ(!found.fallback[g].empty(), test.at("fallback")[g].get<bool>()) << found.fallback[g];
    }
  }
}

TEST(MergingCases, SubsetsAreThoseWorkedByHand) {
  for (const std::string& name : cases_in("subset_search")) {
    SCOPED_TRACE(name);
    const json test = read_case("subset_search", name);
    const auto outputs = outputs_of(test);
    RouterConfig router;
    router.experts_per_token = test.at("experts_per_token").get<std::int64_t>();
    const auto logits = test.at("logits").get<fixtures::Rows>();
    LayerObservations layer(0, outputs.size(), outputs[0][0].size());
    layer.samples = fixtures::samples_of(outputs, logits, fixtures::gates_by(router, logits));
    const FoundSubset found =
        find_subset_search(test.at("search").get<std::string>())
            .find(ReconstructionError(layer, router),
                  {1, test.at("kept").get<int>(), std::vector<bool>(outputs.size(), true)});
    EXPECT_EQ(found.keep, test.at("keep").get<std::vector<int>>());
    EXPECT_NEAR(found.error, test.at("error").get<double>(), kRounding);
  }
}

TEST(MergingCases, MethodsStandForWhatTheirPapersDo) {
  for (const std::string& name : cases_in("merge_method")) {
    const json test = read_case("merge_method", name);
    const MergeMethod& method = find_merge_method(name);
    EXPECT_EQ(method.similarity, test.at("similarity").get<std::string>());
    EXPECT_EQ(method.grouping, test.at("grouping").get<std::string>());
    EXPECT_EQ(method.weighting, test.at("weights").get<std::string>());
  }
}

template <typename Rows>
void expect_cases_and_documentation(const Rows& rows, const std::string& folder) {
  const std::string page = read_file(kSource / "docs/methods/merging.md");
  for (const auto& row : rows) {
    EXPECT_TRUE(fs::exists(kCases / folder / (std::string(row.name) + ".json"))) << row.name;
    EXPECT_THAT(page, ::testing::HasSubstr("\n| `" + std::string(row.name) + "` |"));
    EXPECT_FALSE(row.definition.empty());
  }
}

TEST(MergingTables, EveryRowHasACaseAndALineInTheDocumentation) {
  expect_cases_and_documentation(similarities(), "similarity");
  expect_cases_and_documentation(groupings(), "grouping");
  expect_cases_and_documentation(merge_weightings(), "merge_weights");
  expect_cases_and_documentation(subset_searches(), "subset_search");
  expect_cases_and_documentation(merge_methods(), "merge_method");
}

TEST(MergingTables, AnUnknownNameBringsTheNearest) {
  expect_user_error([] { find_similarity("ckq"); }, {"--group-by", "did you mean cka?"});
  expect_user_error([] { find_grouping("linkag"); }, {"--grouping", "did you mean linkage?"});
  expect_user_error([] { find_merge_weighting("unform"); }, {"--weights", "did you mean uniform?"});
  expect_user_error([] { find_subset_search("beem"); }, {"--search", "did you mean beam?"});
  expect_user_error([] { find_merge_method("msmoe"); }, {"--method", "did you mean m_smoe?"});
}

}  // namespace
}  // namespace espalier
