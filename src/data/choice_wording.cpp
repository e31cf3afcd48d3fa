#include "data/choice_wording.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "base/error.h"
#include "data/shown_text.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace espalier {
namespace {

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) at += decode_utf8(text, at).bytes;
  return count;
}

/// One context and answers after a space.
ChoiceItem item_of(std::string context, std::vector<std::string> answers, std::size_t gold) {
  ChoiceItem item;
  for (std::string& answer : answers) {
    item.contexts.push_back(context);
    item.lengths.push_back(characters(answer));
    item.continuations.push_back(" " + answer);
  }
  item.gold = gold;
  return item;
}

/// The first of the keys that the row has; the first of all when it has none.
std::string_view key_of(JsonObject& row, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (row.has(key)) return key;
  }
  return *keys.begin();
}

[[noreturn]] void no_gold(JsonObject& row, std::string_view key, const std::string& expected) {
  const nlohmann::json& found = row.value(key);
  const std::string shown = shown_text(found.is_string() ? found.get<std::string>() : found.dump());
  row.fail(key, fmt::format("found {}, expected {}", shown.empty() ? "nothing" : shown, expected),
           shown == "-1" || shown.empty()
               ? "the answers of this split are not published: take the validation split"
               : "see that the file belongs to this task");
}

/// A number from 0 on, which some write as text.
std::size_t gold_of(JsonObject& row, std::string_view key, std::size_t answers) {
  const nlohmann::json& found = row.value(key);
  const std::string text = found.is_string() ? found.get<std::string>() : found.dump();
  for (std::size_t i = 0; i < answers; ++i) {
    if (text == std::to_string(i)) return i;
  }
  no_gold(row, key, fmt::format("an answer's number from 0 to {}", answers - 1));
}

std::vector<std::string> checked_answers(JsonObject& row, std::string_view key,
                                         std::vector<std::string> answers) {
  if (answers.size() < 2)
    row.fail(key, "expected two answers or more", "see that the file belongs to this task");
  return answers;
}

std::vector<std::string> answers_of(JsonObject& row, std::string_view key) {
  return checked_answers(row, key, row.strings(key));
}

/// Answers with their letters: {"text": [..], "label": [..]}, or [{"text": .., "label": ..}, ..].
struct LabelledAnswers {
  std::vector<std::string> texts, labels;
};

LabelledAnswers labelled_answers(JsonObject& row) {
  LabelledAnswers answers;
  if (row.value("choices").is_array()) {
    for (JsonObject& choice : row.objects("choices")) {
      answers.texts.push_back(choice.string("text"));
      answers.labels.push_back(choice.string("label"));
    }
  } else {
    JsonObject choices = row.object("choices");
    answers = {choices.strings("text"), choices.strings("label")};
  }
  answers.texts = checked_answers(row, "choices", std::move(answers.texts));
  if (answers.labels.size() != answers.texts.size())
    row.fail(
        "choices",
        fmt::format("{} texts and {} labels, expected as many", answers.texts.size(), answers.labels.size()),
        "every answer has a text and a label");
  return answers;
}

/// A question with answers A, B, .., as the hub's data sets (question or question_stem, choices, answerKey)
/// and AI2's files (question: {stem, choices}) have it.
ChoiceItem lettered_item(JsonObject& row, std::string_view pattern) {
  const std::string key = row.string("answerKey");
  std::optional<JsonObject> nested;
  if (row.has("question") && row.value("question").is_object()) nested = row.object("question");
  JsonObject& asked = nested ? *nested : row;
  LabelledAnswers answers = labelled_answers(asked);
  const auto found = std::find(answers.labels.begin(), answers.labels.end(), key);
  if (found == answers.labels.end())
    no_gold(row, "answerKey", fmt::format("one of {}", fmt::join(answers.labels, ", ")));
  const std::string question = asked.string(key_of(asked, {"question", "question_stem", "stem"}));
  return item_of(fmt::format(fmt::runtime(pattern), question), std::move(answers.texts),
                 static_cast<std::size_t>(found - answers.labels.begin()));
}

/// As the harness's own files have it: question, choices, gold.
ChoiceItem numbered_item(JsonObject& row, std::string_view pattern) {
  auto answers = answers_of(row, "choices");
  const auto gold = gold_of(row, "gold", answers.size());
  return item_of(fmt::format(fmt::runtime(pattern), row.string("question")), std::move(answers), gold);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\n\v\f\r";
  const auto begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// Python's str.capitalize: the first letter in title case, all others in lower case, each by itself.
std::string capitalized(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto step = decode_utf8(text, at);
    if (at == 0) {
      append_utf8(out, title_case(step.code_point));
    } else {
      append_lower_case(out, step.code_point);
    }
    at += step.bytes;
  }
  return out;
}

}  // namespace

ChoiceItem boolq_item(JsonObject& row) {
  const std::string_view key = key_of(row, {"answer", "label"});  // SuperGLUE calls it label
  const bool is_boolean = row.value(key).is_boolean();
  const std::size_t gold = is_boolean ? (row.boolean(key) ? 1 : 0) : gold_of(row, key, 2);
  return item_of(fmt::format("{}\nQuestion: {}?\nAnswer:", row.string("passage"), row.string("question")),
                 {"no", "yes"}, gold);
}

ChoiceItem openbookqa_item(JsonObject& row) {
  return row.has("answerKey") ? lettered_item(row, "{}") : numbered_item(row, "{}");
}

ChoiceItem arc_item(JsonObject& row) {
  constexpr std::string_view kPattern = "Question: {}\nAnswer:";
  return row.has("answerKey") ? lettered_item(row, kPattern) : numbered_item(row, kPattern);
}

ChoiceItem piqa_item(JsonObject& row) {
  return item_of(fmt::format("Question: {}\nAnswer:", row.string("goal")),
                 {row.string("sol1"), row.string("sol2")}, gold_of(row, "label", 2));
}

// Partial evaluation (Trinh & Le 2018): the name is put into the context, and what follows it is scored.
ChoiceItem winogrande_item(JsonObject& row) {
  const std::string sentence = row.string("sentence");
  const std::size_t blank = sentence.find('_');
  if (blank == std::string::npos) row.fail("sentence", "expected a blank \"_\"");
  const std::string rest(trimmed(std::string_view(sentence).substr(blank + 1)));
  ChoiceItem item;
  for (const char* option : {"option1", "option2"}) {
    item.contexts.push_back(sentence.substr(0, blank) + row.string(option));
    item.continuations.push_back(" " + rest);
    item.lengths.push_back(characters(rest));
  }
  const nlohmann::json& found = row.value("answer");
  const std::string answer = found.is_string() ? found.get<std::string>() : found.dump();
  if (answer != "1" && answer != "2") no_gold(row, "answer", "1 or 2");
  item.gold = answer == "1" ? 0 : 1;
  return item;
}

std::string hellaswag_text(std::string_view text) {
  std::string out(trimmed(text));
  replace_all(out, " [title]", ". ");
  for (std::size_t open = out.find('['); open != std::string::npos; open = out.find('[', open)) {
    const std::size_t close = out.find_first_of("]\n", open);  // "." of the expression stops at line ends
    if (close == std::string::npos) break;
    if (out[close] == ']') {
      out.erase(open, close + 1 - open);
    } else {
      ++open;
    }
  }
  // One pass, as Python's replace: three spaces become two.
  std::string single;
  for (std::size_t i = 0; i < out.size(); ++i) {
    single += out[i];
    if (out.compare(i, 2, "  ") == 0) ++i;
  }
  return single;
}

ChoiceItem hellaswag_item(JsonObject& row) {
  std::string query;
  std::vector<std::string> endings;
  std::size_t gold = 0;
  if (row.has("ctx_a") || row.has("ctx")) {  // as published; without its halves, the whole as it is
    const std::string context =
        row.has("ctx_a") ? row.string("ctx_a") + " " + capitalized(row.string("ctx_b")) : row.string("ctx");
    query = row.string("activity_label") + ": " + context;
    endings = answers_of(row, "endings");
    gold = gold_of(row, "label", endings.size());
  } else {
    query = row.string("query");
    endings = answers_of(row, "choices");
    gold = gold_of(row, "gold", endings.size());
  }
  for (std::string& ending : endings) ending = hellaswag_text(ending);
  return item_of(hellaswag_text(query), std::move(endings), gold);
}

ChoiceItem mmlu_item(JsonObject& row) {
  std::string subject = row.string("subject");
  std::replace(subject.begin(), subject.end(), '_', ' ');
  const auto answers = answers_of(row, "choices");
  if (answers.size() > 26) row.fail("choices", "expected answers for the letters A to Z");
  std::string context =
      fmt::format("The following are multiple choice questions (with answers) about {}.\n\n{}\n", subject,
                  trimmed(row.string("question")));
  std::vector<std::string> letters;
  for (const std::string& answer : answers) {
    letters.emplace_back(1, static_cast<char>('A' + letters.size()));
    context += fmt::format("{}. {}\n", letters.back(), answer);
  }
  const std::string_view key =
      key_of(row, {"gold", "answer"});  // the hub calls it answer; some give its letter
  const nlohmann::json& gold = row.value(key);
  const auto letter =
      gold.is_string() ? std::find(letters.begin(), letters.end(), gold.get<std::string>()) : letters.end();
  return item_of(context + "Answer:", letters,
                 letter != letters.end() ? static_cast<std::size_t>(letter - letters.begin())
                                         : gold_of(row, key, answers.size()));
}

ChoiceItem rte_item(JsonObject& row) {
  const nlohmann::json& label = row.value("label");
  std::size_t gold = 2;
  if (label.is_string() && label.get<std::string>() == "entailment") gold = 0;
  if (label.is_string() && label.get<std::string>() == "not_entailment") gold = 1;
  const std::string number = label.is_string() ? label.get<std::string>() : label.dump();
  if (number == "0" || number == "1") gold = number == "0" ? 0 : 1;  // the hub's order is ours
  if (gold == 2) no_gold(row, "label", "entailment (0) or not_entailment (1)");
  const std::string_view first = key_of(row, {"sentence1", "premise"});  // SuperGLUE's names second
  const std::string_view second = key_of(row, {"sentence2", "hypothesis"});
  return item_of(
      fmt::format("{}\nQuestion: {} True or False?\nAnswer:", row.string(first), row.string(second)),
      {"True", "False"}, gold);
}

}  // namespace espalier
