// Attention over packed sequences against one sequence and head at a time, on both backends.
#include "reference/attention.h"

#include "unit/train/ops/backends.h"

namespace espalier {
namespace {

struct Case {
  std::vector<std::int64_t> lengths;
  std::int64_t heads, width;
  double dropout;
};

const Case kCases[] = {{{1}, 1, 1, 0.0},          {{1, 1, 1}, 2, 3, 0.0}, {{5}, 2, 4, 0.0},
                       {{3, 1, 7}, 3, 5, 0.0},    {{3, 1, 7}, 3, 5, 0.1}, {{17, 33, 2}, 2, 8, 0.3},
                       {{64, 1, 40}, 4, 64, 0.1}, {{129}, 1, 16, 0.5}};

ESPALIER_ON_BACKENDS(AttentionOp);

TEST_P(AttentionOp, MatchesOneHeadAtATime) {
  const auto backend = GetParam();
  for (const auto& [lengths, heads, width, probability] : kCases) {
    SCOPED_TRACE(testing::Message() << lengths.size() << " sequences, " << heads << " heads of " << width
                                    << ", dropout " << probability);
    SequenceLayout layout;
    for (const auto length : lengths) layout.append(length);
    const Dropout dropout{probability, 12345};
    const auto factor = [&](std::int64_t block, std::int64_t index) {
      return dropout_factor(attention_block(dropout, block), index);
    };
    const reference::AttentionShape shape{layout.offsets, heads, width};
    const auto N = layout.tokens(), D = heads * width;
    const auto qkv = random_values(N * 3 * D, 1), dy = random_values(N * D, 2);
    const auto t = leaf(qkv, {N, 3 * D}, backend);
    const auto y = ops(backend).attention(t, layout, AttentionHeads::bidirectional(heads, D), {}, dropout);
    expect_close(y, reference::attention(qkv, shape, factor), tolerance(backend), "y");
    y.backward(leaf(dy, {N, D}, backend).detach());
    const auto found = values_of(t.grad()), expected = reference::attention_backward(dy, qkv, shape, factor);
    // One token attends to itself alone: its query and key have no gradient but rounding.
    if (layout.longest() == 1)
      for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6);
    else
      expect_close(found, expected, tolerance(backend), "dqkv");
  }
}

// What a sequence gives does not depend on what it is packed with.
TEST_P(AttentionOp, SequencesDoNotSeeEachOther) {
  const auto backend = GetParam();
  const auto qkv = leaf(random_values(9 * 12, 1), {9, 12}, backend).detach();
  SequenceLayout both, second;
  both.append(4);
  both.append(5);
  second.append(5);
  const auto packed =
      ops(backend).attention(qkv, both, AttentionHeads::bidirectional(2, 4), {}, {}).narrow(0, 4, 5);
  const auto alone =
      ops(backend).attention(qkv.narrow(0, 4, 5), second, AttentionHeads::bidirectional(2, 4), {}, {});
  expect_close(packed, values_of(alone), tolerance(backend), "y");
}

}  // namespace
}  // namespace espalier
