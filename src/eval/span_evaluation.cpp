#include "eval/span_evaluation.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "data/example_batches.h"
#include "infer/encoder_block.h"

namespace espalier {
namespace {

constexpr std::int64_t kWindowsOfABatch = 16;
constexpr std::size_t kBestPlaces = 20, kLongestAnswer = 30;  // tokens; as in the reference's run_squad.py

struct BestSpan {
  double score = -std::numeric_limits<double>::infinity();
  double none = std::numeric_limits<double>::infinity();  // the least over the windows
  TokenPlace first, last;
};

/// The numbers of the largest scores of a column, `count` at most.
std::vector<std::size_t> largest(const float* scores, std::size_t rows, std::size_t column) {
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto count = std::min(rows, kBestPlaces);
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](auto a, auto b) {
                      const float x = scores[2 * a + column], y = scores[2 * b + column];
                      return x != y ? x > y : a < b;
                    });
  order.resize(count);
  return order;
}

/// `scores` [T, 2] of the window's tokens.
void take_best(const SpanWindow& window, const float* scores, BestSpan& best) {
  best.none = std::min(best.none, static_cast<double>(scores[0]) + static_cast<double>(scores[1]));
  const float* of_context = scores + std::size_t{2} * window.context_begin;
  const auto ends = largest(of_context, window.places.size(), 1);
  for (const auto first : largest(of_context, window.places.size(), 0))
    for (const auto last : ends) {
      if (last < first || last - first >= kLongestAnswer) continue;
      const double score =
          static_cast<double>(of_context[2 * first]) + static_cast<double>(of_context[2 * last + 1]);
      if (score <= best.score) continue;
      best.score = score;
      best.first = window.places[first];
      best.last = window.places[last];
    }
}

std::vector<BestSpan> best_spans(const infer::EncoderModel& model, std::size_t questions,
                                 const SpanWindows& windows, const ProgressSink& progress) {
  std::vector<BestSpan> best(questions);
  ExampleBatches batches(windows.examples, {.batch_size = kWindowsOfABatch, .order = ExampleOrder::kFile});
  std::uint64_t done = 0;
  for (CorpusCursor cursor; cursor.epoch == 0;) {
    const auto batch = batches.next(cursor);
    const infer::SequenceLayout layout{batch.offsets};
    const auto hidden = encode(model, {batch.ids, batch.types, layout});
    Buffer<float> scores(layout.tokens() * 2);
    apply(*model.classifier, layout.tokens(), hidden.data(), scores.data());
    for (std::int64_t b = 0; b < layout.sequences(); ++b) {
      const auto& window = windows.windows[batch.places[static_cast<std::size_t>(b)]];
      take_best(window, scores.data() + 2 * layout.begin(b), best[window.question]);
    }
    done += batch.size();
    if (progress) progress({"evaluating", done, windows.windows.size(), "windows"});
  }
  return best;
}

bool has_no_answer(const Question& question) {
  return question.answers.empty();
}

}  // namespace

std::vector<std::string> span_labels() {
  return {"answer_begin", "answer_end"};
}

bool marks_answers(const infer::EncoderModel& model) {
  return model.classifier && !model.pooler && model.classifier->weight.out() == 2;
}

std::vector<SpanAnswer> answer_questions(const infer::EncoderModel& model, const Questions& questions,
                                         const SpanWindows& windows, const ProgressSink& progress) {
  std::vector<SpanAnswer> answers;
  const auto best = best_spans(model, questions.questions.size(), windows, progress);
  for (std::size_t i = 0; i < best.size(); ++i) {
    const std::string& context = questions.contexts[questions.questions[i].context];
    const bool any = best[i].last.end > best[i].first.begin;
    answers.push_back({any ? context.substr(best[i].first.begin, best[i].last.end - best[i].first.begin) : "",
                       any ? best[i].none - best[i].score : std::numeric_limits<double>::infinity()});
  }
  return answers;
}

Predictions decided(const Questions& questions, const std::vector<SpanAnswer>& answers, double threshold) {
  Predictions predictions;
  for (std::size_t i = 0; i < answers.size(); ++i)
    predictions[questions.questions[i].id] = answers[i].margin > threshold ? "" : answers[i].text;
  return predictions;
}

double best_threshold(const Questions& questions, const std::vector<SpanAnswer>& answers) {
  if (std::ranges::none_of(questions.questions, has_no_answer)) return 0;
  std::vector<std::size_t> order(answers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return answers[i].margin; });
  // Below all margins every question goes unanswered; each step up lets the span of one more stand.
  double sum = static_cast<double>(std::ranges::count_if(questions.questions, has_no_answer));
  double best = sum, threshold = order.empty() ? 0 : answers[order.front()].margin - 1;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const auto i = order[k];
    const auto& question = questions.questions[i];
    double f1 = 0;
    for (const auto& answer : question.answers) f1 = std::max(f1, word_f1(answers[i].text, answer.text));
    sum += has_no_answer(question) ? -1 : f1;
    const bool last_of_equals = k + 1 == order.size() || answers[order[k + 1]].margin > answers[i].margin;
    if (!last_of_equals || sum <= best) continue;
    best = sum;
    threshold = answers[i].margin;
  }
  return threshold;
}

}  // namespace espalier
