#include "infer/encoder_router.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "infer/expert_choice.h"
#include "values.h"

namespace espalier::infer {
namespace {

using Chosen = std::vector<std::int32_t>;

/// A router of which the logits are the inputs: x [N, E].
struct Identity {
  StoredWeight weight;
  explicit Identity(std::int64_t E) {
    Buffer<float> eye(E * E);
    eye.fill(0);
    for (std::int64_t e = 0; e < E; ++e) eye[e * E + e] = 1;
    weight = stored(std::move(eye), E, E);
  }
};

/// A token has its K best experts.
RouterConfig best(std::int64_t K) {
  return {.experts_per_token = K, .normalise = false};
}

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

Chosen list(const Buffer<std::int32_t>& values) {
  return {values.span().begin(), values.span().end()};
}

TEST(EncoderRouter, GatesAreProbabilitiesOfTheChosen) {
  const Identity router(4);
  const auto x = logits_of({0.1, 0.4, 0.3, 0.2, 0.25, 0.25, 0.25, 0.25});
  const Routing routing = route({.rule = best(2)}, router.weight, 2, x.data());
  EXPECT_EQ(list(routing.chosen), (Chosen{1, 2, 0, 1})) << "ties go to the smaller index";
  expect_close(values_of(routing.gates), {0.4, 0.3, 0.25, 0.25}, 1e-6, "gates");
  EXPECT_TRUE(routing.accepted.empty());
}

// Three tokens want expert 0, which has ceil(4 * 1 * 1 / 2) = 2 places.
TEST(EncoderRouter, PlacesGoInOrderOrToTheLargestGates) {
  const Identity router(2);
  const auto x = logits_of({0.6, 0.4, 0.9, 0.1, 0.3, 0.7, 0.8, 0.2});
  arch::Router options{.rule = best(1), .capacity_factor = 1.0};
  const Routing in_order = route(options, router.weight, 4, x.data());
  EXPECT_EQ(list(in_order.chosen), (Chosen{0, 0, 1, 0}));
  EXPECT_EQ(list(in_order.accepted), (Chosen{0, 0, 1, -1}));
  options.batch_prioritized = true;
  EXPECT_EQ(list(route(options, router.weight, 4, x.data()).accepted), (Chosen{-1, 0, 1, 0}));
}

TEST(EncoderRouter, ExpertsTakeTheirBestTokensOfEveryGroup) {
  const Identity router(2);
  const auto x = logits_of({0.6, 0.4, 0.9, 0.1, 0.3, 0.7, 0.8, 0.2});
  const Routing routing =
      route({.rule = best(1), .chooser = arch::WhoChooses::kExperts, .capacity_factor = 1.0}, router.weight,
            4, x.data(), /*group=*/2);
  EXPECT_EQ(routing.order, SlotOrder::kByExpert);
  EXPECT_EQ(list(routing.chosen), (Chosen{-1, 1, 0, -1, -1, 1, 0, -1}));
}

TEST(EncoderRouter, TiesOfExpertsGoToTheEarlierToken) {
  const std::vector<float> half(8, 0.5F), one(2, 1.0F);
  Chosen chosen(8);
  choose_by_experts(4, 2, half.data(), 4, 2, chosen.data());
  EXPECT_EQ(chosen, (Chosen{0, 1, 0, 1, -1, -1, -1, -1}));
  chosen.resize(2);
  choose_by_experts(2, 1, one.data(), 2, 5, chosen.data());
  EXPECT_EQ(chosen, (Chosen{0, 0}));
}

// Two members, a token each: the first may use rows 0 and 1, the second 2 and 3.
TEST(EncoderRouter, MembersOfAnEnsembleHaveRowsOfTheirOwn) {
  const Identity router(4);
  const auto x = logits_of({0.1, 0.2, 0.3, 0.4, 0.4, 0.3, 0.2, 0.1});
  const Routing routing = route_ensemble({.rule = best(1)}, router.weight, 2, 2, x.data());
  EXPECT_EQ(routing.rows, 4);
  EXPECT_EQ(list(routing.chosen), (Chosen{1, 2}));
  expect_close(values_of(routing.alpha), {1.0 / 3, 2.0 / 3, 0, 0, 0, 0, 2.0 / 3, 1.0 / 3}, 1e-6, "alpha");
  EXPECT_EQ(routing.logits[2], -std::numeric_limits<float>::infinity());
  expect_close(values_of(routing.gates), {2.0 / 3, 2.0 / 3}, 1e-6, "gates");
}

}  // namespace
}  // namespace espalier::infer
