#pragma once

#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/check_paths.h"
#include "pipeline/verb.h"

namespace espalier::pipeline {

/// The text of a result as JSON: an object indented by two, of a list an entry a line. Bytes that are not
/// UTF-8 (of a text that a model made) are replaced.
std::string json_text(const nlohmann::ordered_json& json);

/// Options, and the function that takes them.
template <typename Options, typename Summary>
class TypedCall : public VerbCall {
 public:
  using Function = Summary (*)(const Options&, const RunContext&);
  explicit TypedCall(Function function) : function_(function) { describe(table_, options_); }

  options::OptionTable& table() override { return table_; }
  std::string run(const RunContext& context, ResultForm form) override {
    check_paths(table_, context);
    const Summary summary = function_(std::as_const(options_), context);
    return form == ResultForm::kJson ? json_text(to_json(summary)) : to_text(summary);
  }

 private:
  Options options_;
  options::OptionTable table_;
  Function function_;
};

/// Completes a row with the function, whose types have `describe`, `to_json` and `to_text` beside them.
template <typename Options, typename Summary>
Verb make_verb(Verb row, Summary (*function)(const Options&, const RunContext&)) {
  row.call = [function] { return std::make_unique<TypedCall<Options, Summary>>(function); };
  return row;
}

}  // namespace espalier::pipeline
