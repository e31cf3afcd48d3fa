// What every expert makes of every token, against plain loops in float64.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "observe/align_plan.h"
#include "observe/neuron_alignment.h"
#include "observe/observe.h"
#include "observe/observe_weights.h"
#include "prune/similarity.h"
#include "reference/decoder.h"
#include "reference/similarity.h"
#include "unit/base/user_error.h"
#include "unit/infer/small_decoder.h"
#include "values.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

/// Float32 sums over some dozens of tokens.
constexpr double kTolerance = 3e-5;

using Rows = std::vector<std::vector<std::int64_t>>;

Rows some_rows(std::uint64_t seed, const std::vector<std::int64_t>& lengths = {17, 1, 30, 9}) {
  Rows rows;
  for (const auto length : lengths) {
    const auto ids = random_ids(length, 40, seed++);
    rows.emplace_back(ids.begin(), ids.end());
  }
  return rows;
}

Observations observe_similarity(const infer::DecoderModel& model, const Rows& rows,
                                const SimilarityOptions& similarity) {
  const TemporaryFolder folder;
  ObserveOptions options;
  options.out = folder / "obs.safetensors";
  options.similarity = similarity;
  ObservedData data;
  data.source = "rows";
  data.sha256 = std::string(64, 'a');
  return observe(model, {rows, data}, nullptr, options);
}

SimilarityOptions everything(std::int64_t samples = 0) {
  SimilarityOptions options;
  options.moments = options.cross_moments = true;
  options.samples = samples;
  return options;
}

/// outputs[e][n] of every expert of a layer for the tokens of all rows.
reference::Outputs oracle_outputs(const SmallDecoder& small, const Rows& rows, std::int64_t layer) {
  reference::Outputs outputs(static_cast<std::size_t>(small.spec.block(layer).experts()));
  for (const auto& row : rows) {
    reference::Decoder oracle(small.spec, small.weights);
    oracle.logits(row);
    for (const auto& x : oracle.inputs.at(layer))
      for (std::size_t e = 0; e < outputs.size(); ++e)
        outputs[e].push_back(oracle.expert_output(layer, e, x));
  }
  return outputs;
}

class SimilarityFamilies : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Goldens, SimilarityFamilies,
                         ::testing::Values("mixtral", "qwen3-moe", "deepseek-v1", "deepseek-v3"));

TEST_P(SimilarityFamilies, MomentsAndTokensAgreeWithPlainLoops) {
  const SmallDecoder small(golden_config(GetParam()));
  const Rows rows = some_rows(3);
  const auto observed = observe_similarity(infer::load_decoder(small.open()), rows, everything(57));
  for (const LayerObservations& layer : observed.layers) {
    const auto outputs = oracle_outputs(small, rows, layer.layer);
    const ExpertMoments expected = reference::moments_of(outputs);
    ASSERT_TRUE(layer.every_expert);
    EXPECT_EQ(layer.every_expert->inputs, 57);
    ASSERT_EQ(layer.every_expert->projected, layer.width()) << "the golden is small enough to be exact";
    for (const MomentField& field : moment_fields())
      expect_close((*layer.every_expert).*field.values, expected.*field.values, kTolerance,
                   std::string(field.name));
    const auto found = similarity_of(find_similarity("cka"), layer), cka = reference::cka_of(outputs);
    for (std::size_t i = 0; i < cka.size(); ++i) EXPECT_NEAR(found[i], cka[i], 1e-4);
    ASSERT_TRUE(layer.samples);
    ASSERT_EQ(layer.samples->tokens(), 57u);
    const std::size_t E = layer.experts();
    std::vector<double> products(layer.samples->products.begin(), layer.samples->products.end()), by_loops;
    for (std::size_t n = 0; n < 57; ++n)
      for (std::size_t i = 0; i < E; ++i)
        for (std::size_t j = i; j < E; ++j) by_loops.push_back(reference::dot(outputs[i][n], outputs[j][n]));
    expect_close(products, by_loops, kTolerance, "products");
    double gates = 0;
    for (const float gate : layer.samples->gates) gates += static_cast<double>(gate);
    double expected_gates = 0;
    for (const double gate : layer.gate_sum) expected_gates += gate;
    EXPECT_NEAR(gates, expected_gates, 1e-4);
  }
}

TEST(SimilarityOfTokens, TwoSetsAreTheMergeOfEach) {
  const SmallDecoder small(golden_config("mixtral"));
  const infer::DecoderModel model = infer::load_decoder(small.open());
  const Rows a = some_rows(1), b = some_rows(50, {12, 25});
  Rows both = a;
  both.insert(both.end(), b.begin(), b.end());
  const Observations parts[] = {observe_similarity(model, a, everything()),
                                observe_similarity(model, b, everything())};
  const double weights[] = {1.0, 1.0};
  const auto merged = merge(parts, weights), together = observe_similarity(model, both, everything());
  for (std::size_t i = 0; i < merged.layers.size(); ++i)
    for (const MomentField& field : moment_fields())
      expect_close((*merged.layers[i].every_expert).*field.values,
                   (*together.layers[i].every_expert).*field.values, 1e-5, std::string(field.name));
}

TEST(SimilarityOfTokens, ProjectionKeepsLengthsOnAverageAndMemoryDoesNotGrowWithTokens) {
  const SmallDecoder small(golden_config("mixtral"));
  const infer::DecoderModel model = infer::load_decoder(small.open());
  SimilarityOptions options = everything();
  options.projected = 24;
  const auto few = observe_similarity(model, some_rows(1, {9}), options),
             many = observe_similarity(model, some_rows(1, {60, 60, 60}), options);
  double before = 0, after = 0;
  for (const LayerObservations& layer : many.layers) {
    EXPECT_EQ(layer.every_expert->cross_moment.size(), few.layers[0].every_expert->cross_moment.size());
    for (std::size_t e = 0; e < 8; ++e) {
      before += layer.every_expert->output_product_sum[e * 8 + e];
      for (std::size_t r = 0; r < 24; ++r)
        after += layer.every_expert->cross_moment[(pair_index(e, e, 8) * 24 + r) * 24 + r];
    }
  }
  EXPECT_NEAR(after / before, 1.0, 0.3);
}

TEST(SimilarityOfTokens, FewerTokensAreSpreadEvenlyAndMoreThanThereAreAreAnError) {
  int taken = 0;
  for (std::int64_t n = 0; n < 57; ++n) taken += is_spread(n, 10, 57) ? 1 : 0;
  EXPECT_EQ(taken, 10);
  const SmallDecoder small(golden_config("mixtral"));
  const infer::DecoderModel model = infer::load_decoder(small.open());
  SimilarityOptions options = everything(7);
  options.tokens = 20;
  const auto observed = observe_similarity(model, some_rows(1), options);
  EXPECT_EQ(observed.layers[1].every_expert->inputs, 20);
  EXPECT_EQ(observed.layers[1].samples->tokens(), 7u);
  EXPECT_EQ(observed.layers[1].tokens, 57) << "routing is that of all tokens";
  options.tokens = 58;
  expect_user_error([&] { observe_similarity(model, some_rows(1), options); },
                    {"--similarity-tokens: 58 tokens are asked for, the data have 57"});
  options.tokens = 20;
  options.samples = 21;
  expect_user_error([&] { observe_similarity(model, some_rows(1), options); },
                    {"--keep-tokens: 21 tokens are asked for, every expert computes 20"});
}

/// A checkpoint with some of a small decoder's numbers changed.
Checkpoint store_changed(const SmallDecoder& small, const nlohmann::json& config,
                         const std::map<std::string, reference::Values>& changed,
                         const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_file(folder / "config.json", dump_json(config));
  std::vector<TensorSource> sources;
  for (const auto& [name, shape] : decoder_tensors(small.spec)) {
    const auto found = changed.find(name);
    const reference::Values& numbers = found == changed.end() ? small.weights.at(name) : found->second;
    const std::vector<float> values(numbers.begin(), numbers.end());
    sources.push_back({name, Dtype::kF32, shape, [values](std::span<std::byte> to) {
                         std::memcpy(to.data(), values.data(), to.size());
                       }});
  }
  write_safetensors(folder / "model.safetensors", std::move(sources));
  return Checkpoint::open(folder);
}

/// Expert 5 of layer 1 is expert 2 with its neurons in another order.
class TwinExperts : public ::testing::Test {
 protected:
  const nlohmann::json config_ = golden_config("mixtral");
  const SmallDecoder small_{config_};
  TemporaryFolder folder_;
  std::vector<int> order_;  // neuron of expert 2 that stands at each place of expert 5

  Checkpoint twins() {
    const std::string layer = "model.layers.1.block_sparse_moe.experts.";
    const auto D = static_cast<std::size_t>(small_.spec.width),
               F = static_cast<std::size_t>(arch::first_moe(small_.spec)->expert.width);
    for (std::size_t f = 0; f < F; ++f) order_.push_back(static_cast<int>((f * 5 + 3) % F));
    std::map<std::string, reference::Values> changed;
    for (const char* name : {".w1.weight", ".w3.weight", ".w2.weight"}) {
      const auto& from = small_.weights.at(layer + "2" + name);
      auto& to = changed[layer + "5" + name] = from;
      for (std::size_t f = 0; f < F; ++f)
        for (std::size_t d = 0; d < D; ++d) {
          const auto source = static_cast<std::size_t>(order_[f]);
          if (std::string(name) == ".w2.weight")
            to[d * F + f] = from[d * F + source];
          else
            to[f * D + d] = from[source * D + d];
        }
    }
    return store_changed(small_, config_, changed, folder_ / "twins");
  }
};

TEST_F(TwinExperts, AreTheSameByWeightsAndByProbes) {
  const infer::DecoderModel model = infer::load_decoder(twins());
  WeightObservationOptions options;
  options.weights = true;
  options.probes = 64;
  const Observations observed = observe_weights(model, options);
  ASSERT_EQ(observed.layers.size(), 3u);
  for (const char* kind : {"weights", "probes", "probes_cka"}) {
    const auto likeness = similarity_of(find_similarity(kind), observed.layers[1]);
    EXPECT_NEAR(likeness[2 * 8 + 5], 1.0, 1e-4) << kind;
    EXPECT_LT(likeness[2 * 8 + 3], 0.9) << kind;
  }
  EXPECT_EQ(observed.layers[1].tokens, 0);
  EXPECT_EQ(observed.layers[1].probes->inputs, 64);
}

TEST_F(TwinExperts, AreFoundNeuronByNeuronAndMergeIntoTheSameExpert) {
  const infer::DecoderModel model = infer::load_decoder(twins());
  Plan plan;
  plan.provenance = {"merge", "one_shot", 1, {}, {}, {}};
  plan.experts_per_token = 2;
  plan.layers.push_back({1, 8, {0, 1, 2, 3, 4, 6, 7}, {{2, {2, 5}, {0.5, 0.5}}}, {}, {}});
  const Plan aligned = align_plan(plan, "plan.json", model, {});
  const auto& neurons = aligned.layers[0].merge[0].neurons;
  ASSERT_EQ(neurons.size(), 2u);
  EXPECT_TRUE(neurons[0].empty());
  for (std::size_t place = 0; place < neurons[1].size(); ++place)
    EXPECT_EQ(order_[static_cast<std::size_t>(neurons[1][place])], static_cast<int>(place));
  EXPECT_EQ(plan_from_json(plan_to_json(aligned), "p").layers[0].merge[0].neurons, neurons);
}

TEST_F(TwinExperts, APlanOfAnotherModelIsNotAligned) {
  const infer::DecoderModel model = infer::load_decoder(twins());
  Plan plan;
  plan.experts_per_token = 2;
  expect_user_error([&] { align_plan(plan, "plan.json", model, {}); },
                    {"plan.json: the plan merges nothing"});
  plan.layers.push_back({1, 4, {0, 1, 2}, {{2, {2, 3}, {0.5, 0.5}}}, {}, {}});
  expect_user_error([&] { align_plan(plan, "plan.json", model, {}); },
                    {"layer 1: the plan is for 4 experts"});
}

TEST(SimilarityOfDamagedWeights, NamesLayerAndExpert) {
  const nlohmann::json config = golden_config("mixtral");
  const SmallDecoder small(config);
  const TemporaryFolder folder;
  const std::string name = "model.layers.1.block_sparse_moe.experts.4.w2.weight";
  auto values = small.weights.at(name);
  values[7] = std::numeric_limits<double>::quiet_NaN();
  const infer::DecoderModel model =
      infer::load_decoder(store_changed(small, config, {{name, values}}, folder / "nan"));
  expect_user_error([&] { observe_similarity(model, some_rows(1), everything()); },
                    {"layer 1: expert 4 gives outputs that are not finite"});
  WeightObservationOptions options;
  options.weights = true;
  expect_user_error([&] { observe_weights(model, options); },
                    {"layer 1: expert 4 has weights that are not finite"});
}

}  // namespace
}  // namespace espalier
