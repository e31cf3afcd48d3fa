#include "infer/encoder.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/infer/small_encoder.h"
#include "values.h"

namespace espalier::infer {
namespace {

constexpr double kSameNumbers = 1e-6;  // float32, in other batches

struct Tokens {
  std::vector<std::int64_t> ids, types;
  SequenceLayout layout;

  /// Sequences of 1, 5, 20 and 9 tokens.
  Tokens() {
    for (const auto length : {1, 5, 20, 9}) layout.append(length);
    Rng rng(3);
    for (std::int64_t i = 0; i < layout.tokens(); ++i) {
      ids.push_back(static_cast<std::int64_t>(rng.below(61)));
      types.push_back(static_cast<std::int64_t>(rng.below(2)));
    }
  }
};

TEST(Encoder, ASequenceDoesNotDependOnItsBatch) {
  const SmallEncoder small(small_encoder_config());
  const auto model = small.load();
  const Tokens all;
  const auto packed = encode(model, {all.ids, all.types, all.layout});
  const auto layout = SequenceLayout::uniform(1, 20);
  const auto alone =
      encode(model, {std::span(all.ids).subspan(6, 20), std::span(all.types).subspan(6, 20), layout});
  expect_close(values_of(packed.span().subspan(6 * 24, 20 * 24)), values_of(alone), kSameNumbers, "hidden");
}

TEST(Encoder, TokensWithoutTypesAreOfTypeZero) {
  const SmallEncoder small(small_encoder_config());
  const auto model = small.load();
  const Tokens all;
  const std::vector<std::int64_t> zeros(all.ids.size(), 0);
  EXPECT_EQ(values_of(encode(model, {all.ids, {}, all.layout})),
            values_of(encode(model, {all.ids, zeros, all.layout})));
}

TEST(Encoder, TellsATapEverythingThatItsLayersRoute) {
  auto config = small_encoder_config({0, 2}, 5);
  config["num_experts_per_tok"] = 2;
  const SmallEncoder small(config);
  const Tokens all;
  std::vector<std::int64_t> seen;
  std::size_t computed = 0;
  const auto watched = encode(small.load(), {all.ids, all.types, all.layout}, [&](std::int64_t block) {
    seen.push_back(block);
    return ExpertTap{[](const RoutingView& routing) {
                       EXPECT_EQ(routing.tokens, 35);
                       EXPECT_EQ(routing.slots, 2);
                     },
                     [&](const ExpertOutput& output) { computed += output.tokens.size(); }};
  });
  EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 2}));
  EXPECT_EQ(computed, 2U * 35 * 2);
  EXPECT_EQ(values_of(watched), values_of(encode(small.load(), {all.ids, all.types, all.layout})));
}

// What capacity drops is computed for a tap, and changes nothing.
TEST(Encoder, AWatchedLayerWithACapacityGivesTheSame) {
  auto config = small_encoder_config({1}, 4);
  config["num_experts_per_tok"] = 2;
  config["capacity_factor"] = 0.6;
  const SmallEncoder small(config);
  const auto model = small.load();
  const Tokens all;
  std::size_t computed = 0;
  const auto watched = encode(model, {all.ids, all.types, all.layout}, [&](std::int64_t) {
    return ExpertTap{{}, [&](const ExpertOutput& output) { computed += output.tokens.size(); }};
  });
  EXPECT_EQ(computed, 35U * 2) << "dropped pairs too";
  EXPECT_EQ(values_of(watched), values_of(encode(model, {all.ids, all.types, all.layout})));
}

TEST(Encoder, WeightsOfOtherDtypesAreWidened) {
  const auto rounded = [](const std::string&, std::vector<float>& values) {
    std::vector<std::byte> bytes(2 * values.size());
    from_float32(Dtype::kBF16, values, bytes);
    to_float32(Dtype::kBF16, bytes, values);
  };
  const SmallEncoder narrow(small_encoder_config(), Dtype::kBF16),
      wide(small_encoder_config(), Dtype::kF32, rounded);
  const Tokens all;
  EXPECT_EQ(values_of(encode(narrow.load(), {all.ids, all.types, all.layout})),
            values_of(encode(wide.load(), {all.ids, all.types, all.layout})));
}

TEST(Encoder, RefusesWhatDoesNotFit) {
  const SmallEncoder small(small_encoder_config());
  const auto model = small.load();
  const auto run = [&](const std::vector<std::int64_t>& ids) {
    const auto layout = SequenceLayout::uniform(1, static_cast<std::int64_t>(ids.size()));
    return encode(model, {ids, {}, layout});
  };
  EXPECT_NO_THROW(run({60}));
  EXPECT_THROW(run({61}), UserError);
  EXPECT_THROW(run({-1}), UserError);
  EXPECT_THROW(run(std::vector<std::int64_t>(21, 1)), UserError);
}

TEST(Encoder, CountsItsParameters) {
  const SmallEncoder small(small_encoder_config({0, 2}, 3));
  const std::int64_t D = 24, F = 37, E = 3;
  const auto attention = 4 * (D * D + D) + 2 * D, ffn = 2 * F * D + F + D;
  EXPECT_EQ(parameter_count(small.load()), (61 + 20 + 2) * D + 2 * D + 3 * (attention + 2 * D) + ffn +
                                               2 * (E * ffn + E * D) + (D * D + D) +
                                               (D * D + D + 2 * D + 61) + 2 * (D + 1));
}

}  // namespace
}  // namespace espalier::infer
