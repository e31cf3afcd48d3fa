#include "data/questions/span_windows.h"

#include <gtest/gtest.h>

#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

WordPiece tokenizer() {
  return WordPiece::from_pieces({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "who", "w", "##0", "##1",
                                 "##2", "##3", "##4", "##5", "##6", "##7", "##8", "##9", ",", "."},
                                {});
}

/// "w0, w1 w2 .. w9." with one question, answered by `answer` if there is one.
Questions ten_words(const std::string& answer) {
  Questions questions;
  questions.contexts = {"w0, w1 w2 w3 w4 w5 w6 w7 w8 w9."};
  questions.questions = {{"q", "who", 0, {}}};
  if (!answer.empty()) questions.questions[0].answers = {{answer, questions.contexts[0].find(answer)}};
  return questions;
}

/// The part of the context between two tokens of a window.
std::string text_of(const Questions& questions, const SpanWindow& window, std::int64_t first,
                    std::int64_t last) {
  const auto place = [&](std::int64_t token) {
    return window.places.at(static_cast<std::size_t>(token) - window.context_begin);
  };
  return questions.contexts[0].substr(place(first).begin, place(last).end - place(first).begin);
}

TEST(SpanWindows, PlaceTheAnswerInItsTokens) {
  const auto questions = ten_words("w3 w4");
  const auto all = span_windows(questions, tokenizer(), {.max_length = 64});
  ASSERT_EQ(all.windows.size(), 1u);
  EXPECT_EQ(all.examples.size(), 1u);
  EXPECT_EQ(all.examples.first_lengths[0], 3u) << "[CLS] who [SEP]";
  EXPECT_EQ(all.windows[0].places.size(), 22u);
  EXPECT_EQ(all.examples.ids.size(), 3 + 22 + 1u);
  EXPECT_EQ(text_of(questions, all.windows[0], all.begins[0], all.ends[0]), "w3 w4");
}

TEST(SpanWindows, OverlapAndHoldTheAnswerOrNot) {
  const auto questions = ten_words("w5");
  const auto all = span_windows(questions, tokenizer(), {.max_length = 14, .stride = 4});
  ASSERT_EQ(all.windows.size(), 4u) << "10 of 22 tokens each, from 0, 4, 8, 12";
  EXPECT_EQ(all.examples.cut, 1u);
  for (std::size_t w = 0; w < 4; ++w) {
    EXPECT_LE(all.examples.offsets[w + 1] - all.examples.offsets[w], 14u);
    const bool held = all.begins[w] != 0;
    EXPECT_EQ(held, w == 1 || w == 2) << w;
    if (held) {
      EXPECT_EQ(text_of(questions, all.windows[w], all.begins[w], all.ends[w]), "w5");
    }
  }
}

TEST(SpanWindows, OfAQuestionWithoutAnswerPointAtCls) {
  const auto all = span_windows(ten_words(""), tokenizer(), {.max_length = 64});
  EXPECT_EQ(all.begins[0], 0);
  EXPECT_EQ(all.ends[0], 0);
  expect_user_error([] { span_windows(ten_words(""), tokenizer(), {.max_length = 5}); },
                    {"--seq-len 5", "384 is usual"});
}

}  // namespace
}  // namespace espalier
