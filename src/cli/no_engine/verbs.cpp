#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "cli/engine.h"

namespace espalier {
namespace {

/// The verbs of engine/: this program has their names only, to say where they are.
constexpr std::array<std::string_view, 15> kMissing{
    "align",  "bench",   "compare", "doctor",   "eval",  "export",   "finetune", "generate",
    "logits", "observe", "predict", "pretrain", "sweep", "tokenize", "tokenizer"};

void add_missing(CLI::App& app, const GlobalOptions& /*global*/) {
  const std::string name = app.get_name();
  app.allow_extras();
  app.fallthrough(false);  // whatever follows is for the other build to judge
  app.footer(fmt::format(
      "This program was built without models and text. In the full build:\n  espalier {} --help", name));
  app.callback([name] {
    throw UserError(fmt::format("`{}` needs the full build of espalier: this program runs no models", name),
                    "`make full` in the source tree builds it (libtorch, oneDNN and ICU come from Debian)");
  });
}

std::array<Verb, kMissing.size()> missing_verbs() {
  std::array<Verb, kMissing.size()> verbs;
  for (std::size_t i = 0; i < verbs.size(); ++i)
    verbs[i] = {std::string(kMissing[i]), "(in the full build only)", add_missing};
  return verbs;
}

}  // namespace

std::span<const Verb> engine_verbs() {
  static const auto verbs = missing_verbs();
  return verbs;
}

void start_engine(int /*threads*/) {}

std::map<std::string, std::string> engine_libraries() {
  return {};
}

}  // namespace espalier
