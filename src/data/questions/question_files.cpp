#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "data/questions/articles.h"
#include "data/text_file.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr const char* kArticles[] = {"squad/dev-v2.0.json", "dev-v2.0.json"};
constexpr const char* kMoreTraining = "tydiqa-en/tydiqa.goldp.en.train.json";
constexpr const char* kEndings[] = {"", ".gz", ".zst"};

std::optional<fs::path> with_an_ending(const fs::path& file) {
  for (const char* ending : kEndings)
    if (fs::is_regular_file(file.string() + ending)) return file.string() + ending;
  return std::nullopt;
}

void add(QuestionSplit& split, const fs::path& file, Articles wanted) {
  const auto more = parse_questions(read_text(file), file.string(), wanted);
  const auto before = split.questions.contexts.size();
  for (auto question : more.questions) {
    question.context += before;
    split.questions.questions.push_back(std::move(question));
  }
  split.questions.contexts.insert(split.questions.contexts.end(), more.contexts.begin(), more.contexts.end());
  if (split.files.empty()) split.of_first_file = more.questions.size();
  split.files.push_back(file);
}

fs::path articles_in(const fs::path& folder) {
  std::vector<std::string> tried;
  for (const char* name : kArticles) {
    if (const auto file = with_an_ending(folder / name)) return *file;
    tried.push_back((folder / name).string());
  }
  throw UserError(fmt::format("task {}: none of {} is there", kQuestionTask, fmt::join(tried, ", ")),
                  "SQuAD v2.0's dev-v2.0.json, plain, .gz or .zst; or --data train=FILE dev=FILE");
}

}  // namespace

QuestionSplit read_question_split(const TaskFiles& data, std::string_view split) {
  if (split != "train" && split != "dev")
    throw UserError(fmt::format("task {}: there is no split \"{}\"", kQuestionTask, split),
                    "known: train, dev");
  QuestionSplit found;
  if (!data.files.empty()) {
    const auto file = data.files.find(split);
    if (file == data.files.end())
      throw UserError(fmt::format("task {}: --data names no {}=FILE", kQuestionTask, split),
                      "name both: train=FILE dev=FILE");
    add(found, file->second, Articles::kAll);
    return found;
  }
  if (data.folder.empty())
    throw UserError(fmt::format("task {}: --data is missing", kQuestionTask),
                    "a folder with SQuAD v2.0's dev-v2.0.json, or train=FILE dev=FILE");
  const bool train = split == "train";
  add(found, articles_in(data.folder), train ? Articles::kTraining : Articles::kTest);
  if (const auto more = with_an_ending(data.folder / kMoreTraining); train && more)
    add(found, *more, Articles::kAll);
  return found;
}

}  // namespace espalier
