#include "prune/similarity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reference/similarity.h"
#include "unit/base/user_error.h"
#include "unit/prune/token_samples.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

TEST(SimilarityOfOutputs, CkaFromMomentsIsThatOfTheKernels) {
  Rng rng(3);
  const auto outputs = fixtures::random_outputs(rng, 5, 40, 3);
  LayerObservations layer(0, 5, 3);
  layer.every_expert = reference::moments_of(outputs);
  const auto found = similarity_of(find_similarity("cka"), layer), expected = reference::cka_of(outputs);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-9);
}

TEST(SimilarityOfOutputs, LackingStatisticsSayWhatToObserve) {
  LayerObservations layer(3, 2, 1);
  layer.tokens = 1;
  layer.logit_product_sum = {1, 0, 0, 1};
  for (const Similarity& similarity : similarities()) {
    if (similarity.name == "logits") continue;
    SCOPED_TRACE(similarity.name);
    expect_user_error(
        [&] { similarity_of(similarity, layer); },
        {"layer 3", "the observations lack what " + std::string(similarity.name), "espalier observe"});
  }
  EXPECT_NO_THROW(similarity_of(find_similarity("logits"), layer));
}

TEST(SimilarityOfOutputs, NotANumberNamesTheExperts) {
  LayerObservations layer(3, 2, 1);
  layer.weight_cosine = {1, std::nan(""), std::nan(""), 1};
  expect_user_error([&] { similarity_of(find_similarity("weights"), layer); },
                    {"layer 3: weights of experts 0 and 1 is nan"});
}

}  // namespace
}  // namespace espalier
