#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "options/option_table.h"
#include "pipeline/run_context.h"

namespace espalier::pipeline {

enum class ResultForm {
  kText,  ///< for people
  kJson
};

/// A verb with options that are still to be set, then run once.
class VerbCall {
 public:
  virtual ~VerbCall() = default;
  /// Sets the options.
  virtual options::OptionTable& table() = 0;
  /// Calls the function. The result as it goes to standard output, its line end included.
  virtual std::string run(const RunContext& context, ResultForm form) = 0;
};

/// A row of the table of verbs: what its views need (command line, help, docs, other languages).
///
/// A verb is a pair of files in verbs/, called as it is:
///
///     struct ScoreOptions { .. };
///     struct ScoreSummary { .. };
///     // The work; prints nothing.
///     ScoreSummary score(const ScoreOptions& options, const RunContext& context);
///     // Every option once.
///     void describe(options::OptionTable& table, ScoreOptions& options);
///     nlohmann::ordered_json to_json(const ScoreSummary& summary);
///     std::string to_text(const ScoreSummary& summary);
///     // Its row.
///     Verb score_verb();
///
/// The build makes the table of the folder (src/verb_table.cmake).
struct Verb {
  std::string name;   ///< "score"; of a verb below another "tokenizer train"
  std::string line;   ///< one line, no full stop
  std::string notes;  ///< for `--help`: what options do not say, and examples, "\n  espalier score .."
  int place = 0;      ///< in lists: the smaller first
  std::function<std::unique_ptr<VerbCall>()> call = nullptr;  ///< null: another build has it
};

/// Every verb of verbs/, by place.
std::span<const Verb> verbs();

/// Throws the UserError of a program without training that is asked to train.
[[noreturn]] void refuse_to_train(std::string_view verb);

}  // namespace espalier::pipeline
