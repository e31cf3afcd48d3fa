// What a window measures while a model is trained: the sums of every kind of criterion against their
// definitions.
#include "train/window_pruner.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "base/error.h"
#include "observe/accumulate.h"
#include "prune/criteria/stored_weights.h"
#include "prune/score.h"
#include "temporary_folder.h"
#include "train/tensor_weights.h"
#include "unit/base/user_error.h"
#include "unit/train/small_model.h"
#include "unit/train/small_vmoe.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

/// Float32 outputs of the model against those of plain libtorch.
constexpr double kOutputTolerance = 1e-5;
/// Norms are summed in float64 in another order.
constexpr double kNormTolerance = 1e-12;

/// One window over a run of two steps; the scores that its end leaves.
struct OneWindow {
  explicit OneWindow(Transformer& model, std::string_view criterion)
      : model_(model),
        pruner(model,
               {.schedule = PruneSchedule::kStaged, .criterion = &find_criterion(criterion), .steps = 8}, 1) {
  }

  void step(const TokenBatch& batch, std::uint64_t seed = 0) {
    ForwardOptions options{.mode = Mode::kTraining, .seed = seed};
    options.on_routing = [&](std::int64_t block, const Routing& routing) { seen[block].push_back(routing); };
    encode(model_, batch, pruner.watched(options));
  }
  Scores end() {
    AdamW optimizer({}, optimized_parameters(model_));
    pruner.end_window(folder.path(), optimizer);
    return read_scores(folder / "scores-000.json");
  }

  Transformer& model_;
  TemporaryFolder folder;
  WindowPruner pruner;
  std::map<std::int64_t, std::vector<Routing>> seen;
};

Transformer encoder(std::int64_t experts_per_token = 1) {
  auto config = small_encoder_config({0, 2});
  config["num_experts_per_tok"] = experts_per_token;
  return small_model(config);
}

/// As they were before windows were scored by the table of criteria: sums of float64 per step.
TEST(WindowPruner, AlphaAndHitRateAreSharesOfTokensAndPairs) {
  for (const std::string criterion : {"alpha", "hit_rate"}) {
    auto model = encoder(2);
    OneWindow window(model, criterion);
    for (const std::uint64_t seed : {1, 2, 3}) window.step(small_batch(61), seed);
    const auto scores = window.end();
    ASSERT_EQ(scores.layers.size(), 2U);
    EXPECT_EQ(scores.experts_per_token, 2);
    for (const auto& layer : scores.layers) {
      auto sum = torch::zeros({4}, torch::kFloat64);
      double total = 0;
      for (const auto& routing : window.seen.at(layer.layer)) {
        sum += criterion == "alpha" ? routing.unjittered.sum(0, false, torch::kFloat64)
                                    : routed_counts(routing).to(torch::kFloat64);
        total +=
            static_cast<double>(criterion == "alpha" ? routing.unjittered.size(0) : routing.chosen.numel());
      }
      for (std::int64_t e = 0; e < 4; ++e)
        EXPECT_EQ(layer.scores[static_cast<std::size_t>(e)], sum[e].item<double>() / total) << criterion;
    }
  }
}

/// Mean over the tokens routed to each expert, also those beyond its capacity, of g ||f(x)||.
std::vector<double> plain_reap(const MoeWeights& moe, const torch::Tensor& x, const Routing& routing) {
  std::vector<double> means;
  for (std::int64_t e = 0; e < moe.experts.count(); ++e) {
    const auto pairs = (routing.chosen == e).nonzero();
    const auto rows = x.index_select(0, pairs.select(1, 0));
    const auto hidden = torch::gelu(torch::linear(rows, moe.experts.up[e], moe.experts.up_bias[e]));
    const auto y = torch::linear(hidden, moe.experts.down[e], moe.experts.down_bias[e]).to(torch::kFloat64);
    const auto gates = routing.gates.index({pairs.select(1, 0), pairs.select(1, 1)}).to(torch::kFloat64);
    means.push_back(pairs.size(0) == 0 ? 0.0 : (gates * y.square().sum(1).sqrt()).mean().item<double>());
  }
  return means;
}

TEST(WindowPruner, OutputsAreThoseOfAllRoutedTokens) {
  for (const Backend backend : {Backend::kOneDnn, Backend::kTorch})
    for (const auto capacity : {std::optional<double>(), std::optional(0.5)}) {
      const auto moe = std::get<MoeWeights>(encoder(2).blocks[0].feed_forward);
      torch::manual_seed(5);
      const auto x = torch::randn({31, 24});
      LayerObservations sums(0, 4, 0);
      const auto tap = [&](const ExpertOutputs& o) {
        add_outputs({o.expert, {}, {o.gates, static_cast<std::size_t>(o.rows)}, o.outputs}, o.width, sums);
      };
      const auto output = routed_experts(
          ops(backend), moe, {}, x, 1,
          {.rule = {.experts_per_token = 2, .normalise = false}, .capacity_factor = capacity}, 0, tap);
      const auto expected = plain_reap(moe, x, output.routing);
      const auto routed = routed_counts(output.routing);
      for (std::size_t e = 0; e < 4; ++e)
        EXPECT_NEAR(sums.weighted_norm_sum[e] / routed[static_cast<std::int64_t>(e)].item<double>(),
                    expected[e], kOutputTolerance);
    }
}

TEST(WindowPruner, OutputsAreAskedForByCriteriaThatLookAtThemAlone) {
  auto model = encoder();
  for (const auto& criterion : criteria()) {
    OneWindow window(model, criterion.name);
    EXPECT_EQ(static_cast<bool>(window.pruner.watched({}).on_outputs),
              criterion.input == CriterionInput::kOutputs)
        << criterion.name;
  }
}

TEST(WindowPruner, ScoresOfAllCriteriaButChangesAreShares) {
  for (const auto& criterion : criteria()) {
    SCOPED_TRACE(criterion.name);
    auto model = encoder();
    OneWindow window(model, criterion.name);
    window.step(small_batch(61));
    for (const auto& layer : window.end().layers) {
      double sum = 0;
      for (const double score : layer.scores) sum += score;
      // A model has not changed since it was loaded.
      EXPECT_NEAR(sum, criterion.scale == ScoreScale::kSigned ? 0.0 : 1.0, 1e-6);
    }
    EXPECT_EQ(model.spec.blocks[0].experts(), 3) << "staged drops one";
  }
}

TEST(WindowPruner, AWindowGoesOnFromItsState) {
  for (const std::string criterion : {"reap", "importance", "magnitude"}) {
    auto whole_model = encoder(), killed_model = encoder(), resumed_model = encoder();
    OneWindow whole(whole_model, criterion), killed(killed_model, criterion),
        resumed(resumed_model, criterion);
    for (auto* window : {&whole, &killed}) window->step(small_batch(61), 1);
    resumed.pruner.restore(nlohmann::json::parse(killed.pruner.state().dump()));
    for (auto* window : {&whole, &resumed}) window->step(small_batch(61), 2);
    EXPECT_EQ(scores_to_json(resumed.end()), scores_to_json(whole.end())) << criterion;
  }
}

TEST(WindowPruner, ComparesWithTheModelThatIsNamed) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "before");
  save(small_model(small_encoder_config({0, 2}), 9), folder / "before", Dtype::kF32);
  auto model = encoder();
  WindowRule rule{.schedule = PruneSchedule::kStaged,
                  .criterion = &find_criterion("router_norm_change"),
                  .reference = folder / "before",
                  .steps = 8};
  WindowPruner pruner(model, rule, 1);
  encode(model, small_batch(61), pruner.watched({.mode = Mode::kTraining}));
  AdamW optimizer({}, optimized_parameters(model));
  const auto router = std::get<MoeWeights>(model.blocks[2].feed_forward).router.detach().clone();
  pruner.end_window(folder.path(), optimizer);
  const auto scores = read_scores(folder / "scores-000.json").layers[1].scores;
  const auto before =
      std::get<MoeWeights>(small_model(small_encoder_config({0, 2}), 9).blocks[2].feed_forward).router;
  const auto change = router.to(torch::kFloat64).norm(2, 1) - before.detach().to(torch::kFloat64).norm(2, 1);
  for (std::int64_t e = 0; e < 4; ++e)
    EXPECT_NEAR(scores[static_cast<std::size_t>(e)], change[e].item<double>(), kNormTolerance);
  std::filesystem::create_directory(folder / "fewer");
  save(small_model(small_encoder_config({0, 2}, 3)), folder / "fewer", Dtype::kF32);
  rule.reference = folder / "fewer";
  auto again = encoder();
  expect_user_error([&] { WindowPruner(again, rule, 1); }, {"block 0 has 3 experts", "has 4"});
  rule.criterion = &find_criterion("alpha");
  expect_user_error([&] { WindowPruner(again, rule, 1); }, {"alpha looks at one model"});
}

/// In memory and on files, weights say the same.
TEST(TensorWeights, SayWhatTheFilesSay) {
  const TemporaryFolder folder;
  auto encoder_model = encoder();
  auto vision = small_vmoe(small_vmoe_config());
  std::filesystem::create_directory(folder / "bert");
  save(encoder_model, folder / "bert", Dtype::kF32);
  save(vision, folder / "vmoe", Dtype::kF32);
  const std::pair<const char*, Transformer> models[] = {{"bert", encoder_model}, {"vmoe", vision}};
  for (const auto& [name, model] : models)
    for (const auto& criterion : criteria()) {
      if (criterion.weights == nullptr) continue;
      SCOPED_TRACE(std::string(name) + " " + std::string(criterion.name));
      for (const auto& [layer, expected] : reference_values(Checkpoint::open(folder / name), criterion)) {
        const auto found = criterion.weights(weights_of(model, layer));
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t e = 0; e < found.size(); ++e)
          EXPECT_NEAR(found[e], expected[e], kNormTolerance * expected[e]);
      }
    }
}

TEST(PrunedModel, EnsemblesAndRowsLeftBehindAreRefused) {
  auto config = small_vmoe_config();
  config["ensemble_size"] = 2;
  config["num_experts_per_tok"] = 1;
  auto ensemble = small_vmoe(config);
  expect_user_error([&] { expect_prunable(ensemble); }, {"members of an ensemble"});
  config = small_vmoe_config();
  leave_rows(config, {{0, 3}, {0, 1, 2, 3}});
  auto pruned = small_vmoe(config);
  expect_user_error([&] { expect_prunable(pruned); }, {"block 1 has 4 rows for 2 experts"});
}

}  // namespace
}  // namespace espalier
