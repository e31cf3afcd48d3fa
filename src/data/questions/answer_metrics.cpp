#include "data/questions/answer_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";  // of ASCII alone, as there

/// What Python's \w holds.
bool is_of_word(std::uint32_t code_point) {
  const char kind = general_category(code_point)[0];
  return kind == 'L' || kind == 'N' || code_point == '_';
}

bool is_article(std::string_view word) {
  return word == "a" || word == "an" || word == "the";
}

std::string lower_without_punctuation(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto step = decode_utf8(text, at);
    at += step.bytes;
    if (step.code_point < 0x80 &&
        kPunctuation.find(static_cast<char>(step.code_point)) != std::string_view::npos)
      continue;
    append_lower_case(out, step.code_point);
  }
  return out;
}

/// Articles between word boundaries become blanks.
std::string without_articles(std::string_view text) {
  std::string out, word;
  const auto end_word = [&] {
    out += is_article(word) ? " " : word;
    word.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto step = decode_utf8(text, at);
    if (is_of_word(step.code_point)) {
      word += text.substr(at, step.bytes);
    } else {
      end_word();
      out += text.substr(at, step.bytes);
    }
    at += step.bytes;
  }
  end_word();
  return out;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto step = decode_utf8(text, at);
    if (is_white_space(step.code_point))
      end_word();
    else
      word += text.substr(at, step.bytes);
    at += step.bytes;
  }
  end_word();
  return words;
}

std::vector<std::string> normalized_words(std::string_view text) {
  return words_of(without_articles(lower_without_punctuation(text)));
}

/// The best over what people marked; "" where that is nothing.
template <typename Score>
double best(const Question& question, const std::string& predicted, Score score) {
  double most = 0;
  bool any = false;
  for (const auto& answer : question.answers) {
    if (normalized_answer(answer.text).empty()) continue;
    most = std::max(most, score(predicted, answer.text));
    any = true;
  }
  return any ? most : score(predicted, "");
}

struct Sums {
  double exact = 0, f1 = 0;
  std::size_t questions = 0;
};

void put(Metrics& metrics, const std::string& prefix, const Sums& sums) {
  metrics[prefix + "exact"] = sums.exact / static_cast<double>(sums.questions);
  metrics[prefix + "f1"] = sums.f1 / static_cast<double>(sums.questions);
}

void check_ids(const Questions& questions, const Predictions& predictions, std::string_view where) {
  std::set<std::string_view> ids;
  for (const auto& question : questions.questions) {
    ids.insert(question.id);
    if (!predictions.contains(question.id))
      throw UserError(fmt::format("{}: there is no answer to question {}", where, question.id),
                      "every question needs one, \"\" for none");
  }
  for (const auto& [id, answer] : predictions)
    if (!ids.contains(id))
      throw UserError(fmt::format("{}: {} is no question of this data", where, id),
                      "the predictions are of another file or split");
}

}  // namespace

std::string normalized_answer(std::string_view text) {
  std::string out;
  for (const auto& word : normalized_words(text)) out += (out.empty() ? "" : " ") + word;
  return out;
}

double exact_match(std::string_view predicted, std::string_view gold) {
  return normalized_answer(predicted) == normalized_answer(gold) ? 1.0 : 0.0;
}

double word_f1(std::string_view predicted, std::string_view gold) {
  auto a = normalized_words(predicted), b = normalized_words(gold);
  if (a.empty() || b.empty()) return a.empty() && b.empty() ? 1.0 : 0.0;
  std::ranges::sort(a);
  std::ranges::sort(b);
  std::vector<std::string> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return 2.0 * static_cast<double>(both.size()) / static_cast<double>(a.size() + b.size());
}

Metrics answer_metrics(const Questions& questions, const Predictions& predictions, std::string_view where) {
  check_ids(questions, predictions, where);
  Sums all, answerable, unanswerable;
  for (const auto& question : questions.questions) {
    const auto& predicted = predictions.at(question.id);
    const double exact = best(question, predicted, exact_match), f1 = best(question, predicted, word_f1);
    for (auto* sums : {&all, question.answers.empty() ? &unanswerable : &answerable}) {
      sums->exact += exact;
      sums->f1 += f1;
      ++sums->questions;
    }
  }
  Metrics metrics;
  put(metrics, "", all);
  if (answerable.questions == 0 || unanswerable.questions == 0) return metrics;
  put(metrics, "answerable_", answerable);
  put(metrics, "unanswerable_", unanswerable);
  return metrics;
}

Predictions parse_predictions(std::string_view json, std::string_view where) {
  JsonObject object(parse_json(json, where), std::string(where));
  Predictions predictions;
  const auto all = parse_json(json, where);
  if (!all.is_object())
    throw UserError(fmt::format("{}: expected an object {{\"id\": \"answer\", ..}}", where),
                    "a key for each question, \"\" for no answer");
  for (const auto& [id, answer] : all.items()) predictions[id] = object.string(id);
  return predictions;
}

}  // namespace espalier
