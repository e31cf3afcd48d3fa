// Walks tests/cases/criteria/*.json: hand-worked layers in, scores out; and the table of criteria.
#include "prune/criteria/criterion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>

#include "artifacts/observation_fields.h"
#include "base/files.h"
#include "base/json.h"
#include "paths.h"
#include "prune/criteria/stored_weights.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
/// How a failure names the criterion.
void PrintTo(const Criterion& criterion, std::ostream* out) {
  *out << criterion.name;
}

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kSource = source_dir();
const fs::path kFolder = kSource / "tests/cases/criteria";
constexpr double kRounding = 1e-12;  // of sums and square roots in float64

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder)) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// A layer whose fields are those of the case, zeros elsewhere.
LayerObservations observed_layer(const json& fields) {
  LayerObservations layer(0, fields.at("routed").size(), 1);
  layer.tokens = fields.at("tokens").get<double>();
  for (const ObservationField& field : observation_fields()) {
    if (fields.contains(field.name))
      layer.*field.values = fields.at(std::string(field.name)).get<std::vector<double>>();
  }
  return layer;
}

void append_values(const json& value, std::vector<float>& values) {
  if (!value.is_array()) return values.push_back(value.get<float>());
  for (const json& item : value) append_values(item, values);
}

/// Exact in E4M3: 0, or 1 to 1.875 times a power of two; the cases hold 0, 1, 2.
std::byte fp8_of(float value) {
  return value == 0 ? std::byte{0} : value == 1 ? std::byte{0x38} : std::byte{0x40};
}

TensorSource tensor(const std::string& name, const json& value, Dtype dtype) {
  std::vector<std::int64_t> shape;
  for (const json* inner = &value; inner->is_array(); inner = &inner->front()) {
    shape.push_back(static_cast<std::int64_t>(inner->size()));
  }
  std::vector<float> values;
  append_values(value, values);
  return {name, dtype, shape, [values, dtype](std::span<std::byte> to) {
            if (dtype != Dtype::kF8E4M3) return from_float32(dtype, values, to);
            std::transform(values.begin(), values.end(), to.begin(), fp8_of);
          }};
}

/// A checkpoint of one layer with the tensors of a case, and where they are.
struct StoredLayer {
  MoeLayerTensors layer;
  std::vector<TensorSource> tensors;
  json config = json::object();

  explicit StoredLayer(const json& test) {
    const Dtype dtype = parse_dtype(test.value("dtype", "F32"));
    layer.num_experts = static_cast<std::int64_t>(test.at("scores").size());
    if (test.contains("router")) add(layer.router = "router", test.at("router"), dtype);
    if (test.contains("block")) config["quantization_config"]["weight_block_size"] = test.at("block");
    for (std::size_t e = 0; test.contains("experts") && e < test.at("experts").size(); ++e) {
      layer.expert_tensors.emplace_back();
      for (std::size_t t = 0; t < test.at("experts")[e].size(); ++t) {
        const std::string role =
            test.contains("roles") ? test.at("roles")[t].get<std::string>() : std::to_string(t);
        const std::string name = "experts." + std::to_string(e) + "." + role + ".weight";
        add(name, test.at("experts")[e][t], dtype);
        layer.expert_tensors.back().push_back(name);
        if (!test.contains("scales")) continue;
        add(name + "_scale_inv", test.at("scales")[e][t], Dtype::kF32);
        layer.expert_tensors.back().push_back(name + "_scale_inv");
      }
    }
    for (std::size_t t = 0; test.contains("stacked") && t < test.at("stacked").size(); ++t) {
      layer.stacked_tensors.push_back("stacked." + std::to_string(t));
      add(layer.stacked_tensors.back(), test.at("stacked")[t], dtype);
    }
  }
  Checkpoint store(const fs::path& folder) {
    fs::create_directories(folder);
    write_file(folder / "config.json", config.dump());
    write_safetensors(folder / "model.safetensors", tensors);
    return Checkpoint::open(folder);
  }

 private:
  void add(const std::string& name, const json& value, Dtype dtype) {
    tensors.push_back(tensor(name, value, dtype));
  }
};

std::vector<double> stored_scores(const Criterion& criterion, const json& test) {
  const TemporaryFolder folder;
  StoredLayer model(test);
  const Checkpoint checkpoint = model.store(folder / "model");
  const StoredWeights weights(checkpoint, model.layer);
  if (!test.contains("reference")) return weight_scores(criterion, weights, {});
  json before = test;
  if (test.contains("router")) before["router"] = test.at("reference");
  if (!test.contains("router")) before["experts"] = test.at("reference");
  StoredLayer reference(before);
  const Checkpoint other = reference.store(folder / "before");
  return weight_scores(criterion, weights, criterion.weights(StoredWeights(other, reference.layer)));
}

std::vector<double> scores_of(const json& test) {
  const Criterion& criterion = find_criterion(test.at("criterion").get<std::string>());
  if (criterion.observed != nullptr) return criterion.observed(observed_layer(test.at("observed")));
  if (criterion.weights != nullptr) return stored_scores(criterion, test);
  return criterion.drawn({test.at("layer"), test.at("experts_drawn"), test.at("seed")});
}

class CriterionCase : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Files, CriterionCase, ::testing::ValuesIn(case_names()),
                         [](const auto& test) { return test.param; });

TEST_P(CriterionCase, GivesTheScoresWorkedByHand) {
  const json test = read_json(kFolder / (GetParam() + ".json"));
  const std::vector<double> scores = scores_of(test);
  ASSERT_EQ(scores.size(), test.at("scores").size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    SCOPED_TRACE(i);
    if (test.at("scores")[i].is_null()) {
      EXPECT_TRUE(std::isnan(scores[i])) << scores[i];
    } else {
      EXPECT_NEAR(scores[i], test.at("scores")[i].get<double>(), kRounding);
    }
  }
}

class EveryCriterion : public ::testing::TestWithParam<Criterion> {};
INSTANTIATE_TEST_SUITE_P(Table, EveryCriterion, ::testing::ValuesIn(criteria().begin(), criteria().end()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(EveryCriterion, HasACaseARowInTheDocumentationAndOneFunction) {
  const Criterion& criterion = GetParam();
  EXPECT_TRUE(fs::exists(kFolder / (std::string(criterion.name) + ".json")))
      << "tests/cases/criteria lacks it";
  EXPECT_THAT(read_file(kSource / "docs/methods/criteria.md"),
              ::testing::HasSubstr("\n| `" + std::string(criterion.name) + "` |"));
  EXPECT_EQ((criterion.observed != nullptr) + (criterion.weights != nullptr) + (criterion.drawn != nullptr),
            1);
  EXPECT_EQ(criterion.weights != nullptr, criterion.input == CriterionInput::kWeights);
  EXPECT_EQ(criterion.drawn != nullptr, criterion.input == CriterionInput::kSeed);
  EXPECT_TRUE(!criterion.compares || criterion.scale == ScoreScale::kSigned) << "a change may be negative";
  EXPECT_FALSE(criterion.definition.empty());
}

TEST(Criteria, AnUnknownNameBringsTheNearest) {
  fixtures::expect_user_error([] { find_criterion("reep"); }, {"there is no \"reep\"", "did you mean reap?"});
  fixtures::expect_user_error([] { find_criterion("router_norm_chagne"); }, {"router_norm_change?"});
}

TEST(Criteria, ADrawDependsOnSeedAndLayerAlone) {
  const Criterion& random = find_criterion("random");
  EXPECT_EQ(random.drawn({3, 64, 1}), random.drawn({3, 64, 1}));
  EXPECT_NE(random.drawn({3, 64, 1}), random.drawn({4, 64, 1}));
  EXPECT_NE(random.drawn({3, 64, 1}), random.drawn({3, 64, 2}));
  const std::vector<double> scores = random.drawn({3, 64, 1});
  EXPECT_EQ(std::set<double>(scores.begin(), scores.end()).size(), 64u);
}

}  // namespace
}  // namespace espalier
