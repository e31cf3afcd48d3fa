#include "infer/generate.h"

#include <gtest/gtest.h>

#include <map>

#include "unit/base/user_error.h"
#include "unit/infer/small_decoder.h"

namespace espalier::infer {
namespace {

constexpr std::uint64_t kWiden = std::uint64_t{1} << 40, kLeave = 0;

TEST(Generate, GreedyIsTheMostProbableTokenOfWholeForwardPasses) {
  for (const char* golden : {"mixtral", "deepseek-v2-lite"}) {
    const SmallDecoder small(golden_config(golden), 3, Dtype::kBF16);
    const DecoderModel model = load_decoder(small.open());
    std::vector<std::int32_t> text = random_ids(7, small.spec.text().vocabulary, 1);
    const auto prompt = text;
    for (int i = 0; i < 9; ++i) {
      const auto logits = logits_of(model, run_sequence(model, text));
      const auto last = logits.span().last(static_cast<std::size_t>(small.spec.text().vocabulary));
      text.push_back(static_cast<std::int32_t>(std::max_element(last.begin(), last.end()) - last.begin()));
    }
    for (const auto most_bytes : {kWiden, kLeave}) {
      Generation generation(model, 16, most_bytes);
      std::vector<std::int32_t> emitted;
      const auto made =
          generate(generation, prompt, 9, {}, {}, [&](std::int32_t id) { emitted.push_back(id); });
      EXPECT_EQ(made, std::vector<std::int32_t>(text.begin() + 7, text.end())) << golden;
      EXPECT_EQ(emitted, made);
      EXPECT_EQ(generation.length(), 15) << "the last token is not run";
    }
  }
}

TEST(Generate, StopsAtAStopAndDoesNotEmitIt) {
  const SmallDecoder small(golden_config("mixtral"), 3);
  const DecoderModel model = load_decoder(small.open());
  const auto prompt = random_ids(7, small.spec.text().vocabulary, 1);
  Generation first(model, 32, kWiden), second(model, 32, kWiden);
  const auto made = generate(first, prompt, 8, {}, {});
  const std::int32_t stop = made[4];
  const auto until = std::find(made.begin(), made.end(), stop);
  EXPECT_EQ(generate(second, prompt, 8, {&stop, 1}, {}), std::vector<std::int32_t>(made.begin(), until));
}

TEST(Sample, FollowsTheProbabilities) {
  const std::vector<float> logits{std::log(0.5F), std::log(0.2F), std::log(0.3F)};
  std::map<std::int32_t, int> seen;
  constexpr int kDraws = 4000;
  for (std::uint64_t i = 0; i < kDraws; ++i) ++seen[sample(logits, {.temperature = 1.0}, i)];
  EXPECT_NEAR(seen[0] / double{kDraws}, 0.5, 0.03);
  EXPECT_NEAR(seen[1] / double{kDraws}, 0.2, 0.03);
  EXPECT_NEAR(seen[2] / double{kDraws}, 0.3, 0.03);
}

TEST(Sample, TopPKeepsTheFewestThatReachIt) {
  const std::vector<float> logits{std::log(0.5F), std::log(0.2F), std::log(0.3F)};
  for (std::uint64_t i = 0; i < 200; ++i) {
    EXPECT_EQ(sample(logits, {.temperature = 1.0, .top_p = 0.4}, i), 0);
    EXPECT_NE(sample(logits, {.temperature = 1.0, .top_p = 0.75}, i), 1);
  }
}

TEST(Sample, ColdIsGreedyAndTiesTakeTheSmallerId) {
  const std::vector<float> logits{1, 5, 5, 2};
  EXPECT_EQ(sample(logits, {}, 0), 1);
  EXPECT_EQ(sample(logits, {.temperature = 1e-3, .top_p = 0.1}, 7), 1);
}

}  // namespace
}  // namespace espalier::infer
