#include "data/questions/articles.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "text/utf8.h"

namespace espalier {
namespace {

/// Every second article, in the order of the file.
constexpr std::string_view kTrainingArticles[] = {"1973_oil_crisis",
                                                  "Black_Death",
                                                  "Computational_complexity_theory",
                                                  "Ctenophora",
                                                  "European_Union_law",
                                                  "French_and_Indian_War",
                                                  "Geology",
                                                  "Huguenot",
                                                  "Imperialism",
                                                  "Islamism",
                                                  "Normans",
                                                  "Packet_switching",
                                                  "Prime_number",
                                                  "Rhine",
                                                  "Sky_(United_Kingdom)",
                                                  "Steam_engine",
                                                  "Victoria_(Australia)",
                                                  "Yuan_dynasty"};

/// The byte at which the code point of a number begins; the text's size for one behind its end.
std::size_t byte_of(std::string_view text, std::int64_t code_point) {
  std::size_t byte = 0;
  for (; code_point > 0 && byte < text.size(); --code_point) byte += decode_utf8(text, byte).bytes;
  return byte;
}

class ArticleReader {
 public:
  ArticleReader(std::string_view json, std::string_view where, Articles wanted)
      : file_(parse_json(json, where), std::string(where)), wanted_(wanted) {}

  Questions read() {
    for (auto& article : file_.objects("data")) {
      const auto title = article.string("title", "");
      if (wanted_ == Articles::kAll || is_training_article(title) == (wanted_ == Articles::kTraining))
        for (auto& paragraph : article.objects("paragraphs")) read_paragraph(paragraph);
    }
    if (all_.questions.empty()) file_.fail("data", "there are no questions", "SQuAD's files hold articles");
    return std::move(all_);
  }

 private:
  void read_paragraph(JsonObject& paragraph) {
    all_.contexts.push_back(paragraph.string("context"));
    for (auto& one : paragraph.objects("qas")) {
      Question question{one.string("id"), one.string("question"), all_.contexts.size() - 1, {}};
      if (!ids_.insert(question.id).second)
        one.fail("id", fmt::format("{} is there twice", question.id), "an id names one question");
      if (!one.boolean("is_impossible", false))
        for (auto& answer : one.objects("answers"))
          question.answers.push_back(read_answer(answer, question.id));
      all_.questions.push_back(std::move(question));
    }
  }

  Answer read_answer(JsonObject& object, const std::string& id) const {
    const std::string& context = all_.contexts.back();
    const auto place = object.integer("answer_start", {0});
    Answer answer{object.string("text"), byte_of(context, place)};
    if (answer.text.empty() || context.compare(answer.begin, answer.text.size(), answer.text) != 0)
      object.fail("answer_start",
                  fmt::format("question {}: \"{}\" is not in its context at {}", id, answer.text, place),
                  "answer_start counts characters from 0");
    return answer;
  }

  JsonObject file_;
  Articles wanted_;
  Questions all_;
  std::set<std::string> ids_;
};

}  // namespace

const Task& question_task() {
  static const Task task{
      .name = kQuestionTask, .metrics = {"f1", "exact"}, .primary = {"f1"}, .folders = {"squad"}};
  return task;
}

bool is_training_article(std::string_view title) {
  return std::ranges::find(kTrainingArticles, title) != std::end(kTrainingArticles);
}

Questions parse_questions(std::string_view json, std::string_view where, Articles wanted) {
  return ArticleReader(json, where, wanted).read();
}

}  // namespace espalier
