#pragma once

#include <map>
#include <string>
#include <string_view>

#include "data/questions/articles.h"
#include "data/task_metrics.h"

namespace espalier {

// The official evaluation of SQuAD v1.1 and v2.0, digit for digit.

/// Lower case, without punctuation, articles and superfluous blanks.
std::string normalized_answer(std::string_view text);
/// Whether both are the same, so normalised: 0 or 1.
double exact_match(std::string_view predicted, std::string_view gold);
/// F1 over the words of both, so normalised; where one has none, whether neither has.
double word_f1(std::string_view predicted, std::string_view gold);

/// Question's id -> answer, empty for none.
using Predictions = std::map<std::string, std::string>;

/// "exact", "f1", each the best over a question's answers; where there are questions of both kinds, the same
/// of those with an answer ("answerable_f1") and without ("unanswerable_f1"). Throws UserError that begins
/// with `where` for a question without a prediction and for a prediction of no question.
Metrics answer_metrics(const Questions& questions, const Predictions& predictions, std::string_view where);

/// {"id": "answer", ..}. Throws UserError that begins with `where`.
Predictions parse_predictions(std::string_view json, std::string_view where);

}  // namespace espalier
