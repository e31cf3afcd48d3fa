#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/task_files.h"

namespace espalier {

/// The task's name, of `finetune` and `eval`: SQuAD v2.0 (Rajpurkar et al. 2018).
inline constexpr const char* kQuestionTask = "squad2";
/// Its metrics; it reads articles and no table, so it is not among `all_tasks`.
const Task& question_task();

struct Answer {
  std::string text;
  std::size_t begin = 0;  ///< byte in the context
};

struct Question {
  std::string id, text;
  std::size_t context = 0;      ///< which
  std::vector<Answer> answers;  ///< what people marked; none: the context has no answer
};

/// Questions about paragraphs, each with the part of the paragraph that answers it, or none.
struct Questions {
  std::vector<std::string> contexts;
  std::vector<Question> questions;
};

/// Which articles of a file are wanted.
enum class Articles { kAll, kTraining, kTest };

/// SQuAD's JSON, v1.1 or v2.0, as other data sets use it too. Throws UserError that begins with `where` for
/// what is none, an id twice, and an answer that is not in its context at its place.
Questions parse_questions(std::string_view json, std::string_view where, Articles wanted = Articles::kAll);

/// The 18 of the 35 articles of SQuAD v2.0's dev file that train; the others test. All of its train file.
bool is_training_article(std::string_view title);

struct QuestionSplit {
  Questions questions;
  std::vector<std::filesystem::path> files;
  std::size_t of_first_file = 0;  ///< questions, which come first
};

/// `--data DIR`: DIR/squad/dev-v2.0.json, DIR/dev-v2.0.json, plain, .gz or .zst: the training articles
/// (`train`) or the others (`dev`); where tydiqa-en/tydiqa.goldp.en.train.json is beside, it trains too.
/// `--data train=FILE dev=FILE`: those. Throws UserError naming the places.
QuestionSplit read_question_split(const TaskFiles& data, std::string_view split);

}  // namespace espalier
