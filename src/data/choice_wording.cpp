#include "data/choice_wording.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
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

std::size_t gold_of(JsonObject& row, std::string_view key, std::size_t answers) {
  return static_cast<std::size_t>(row.integer(key, {0, static_cast<std::int64_t>(answers) - 1}));
}

std::vector<std::string> answers_of(JsonObject& row, std::string_view key) {
  auto answers = row.strings(key);
  if (answers.size() < 2) row.fail(key, "expected two answers or more");
  return answers;
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
  const nlohmann::json& answer = row.value("answer");
  const std::size_t gold = answer.is_boolean() ? (row.boolean("answer") ? 1 : 0) : gold_of(row, "answer", 2);
  return item_of(fmt::format("{}\nQuestion: {}?\nAnswer:", row.string("passage"), row.string("question")),
                 {"no", "yes"}, gold);
}

ChoiceItem openbookqa_item(JsonObject& row) {
  auto answers = answers_of(row, "choices");
  const auto gold = gold_of(row, "gold", answers.size());
  return item_of(row.string("question"), std::move(answers), gold);
}

ChoiceItem arc_item(JsonObject& row) {
  auto answers = answers_of(row, "choices");
  const auto gold = gold_of(row, "gold", answers.size());
  return item_of(fmt::format("Question: {}\nAnswer:", row.string("question")), std::move(answers), gold);
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
  const std::string answer = row.string("answer");
  if (answer != "1" && answer != "2") row.fail("answer", "expected \"1\" or \"2\"");
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
  if (row.has("ctx_a")) {  // as published
    query =
        row.string("activity_label") + ": " + row.string("ctx_a") + " " + capitalized(row.string("ctx_b"));
    endings = answers_of(row, "endings");
    const nlohmann::json& label = row.value("label");
    const bool is_digit = label.is_string() && label.get<std::string>().size() == 1;
    const std::size_t number =
        is_digit ? static_cast<std::size_t>(label.get<std::string>()[0] - '0') : endings.size();
    if (is_digit && number >= endings.size()) row.fail("label", "expected the number of an ending");
    gold = is_digit ? number : gold_of(row, "label", endings.size());
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
  return item_of(context + "Answer:", letters, gold_of(row, "gold", answers.size()));
}

ChoiceItem rte_item(JsonObject& row) {
  const std::string label = row.string("label");
  if (label != "entailment" && label != "not_entailment") {
    row.fail("label", fmt::format("found \"{}\", expected entailment or not_entailment", label));
  }
  return item_of(fmt::format("{}\nQuestion: {} True or False?\nAnswer:", row.string("sentence1"),
                             row.string("sentence2")),
                 {"True", "False"}, label == "entailment" ? 0 : 1);
}

}  // namespace espalier
