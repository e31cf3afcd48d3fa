#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "data/questions/answer_metrics.h"
#include "data/questions/span_windows.h"
#include "infer/encoder.h"

namespace espalier {

/// Names of the two classes of a model that marks answers: what each token is worth as the first and as the
/// last of one. Its classifier stands on every token, without a pooler.
std::vector<std::string> span_labels();
bool marks_answers(const infer::EncoderModel& model);

/// What a model says of one question, over all windows of its context.
struct SpanAnswer {
  std::string text;   ///< the best span; empty where there is no context
  double margin = 0;  ///< no answer's score minus the span's: of a span, begin + end
};

/// Of every question, in their order.
std::vector<SpanAnswer> answer_questions(const infer::EncoderModel& model, const Questions& questions,
                                         const SpanWindows& windows, const ProgressSink& progress = {});

/// "" where the margin is above the threshold.
Predictions decided(const Questions& questions, const std::vector<SpanAnswer>& answers, double threshold);

/// The margin above which "no answer" gives the best F1 on these questions; 0 where all have an answer.
double best_threshold(const Questions& questions, const std::vector<SpanAnswer>& answers);

}  // namespace espalier
