#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "cli/training.h"
#include "infer/threads.h"

namespace espalier {
namespace {

/// The verbs of training/: this program has their names only, to say where they are.
constexpr std::array<std::string_view, 2> kMissing{"finetune", "pretrain"};

void add_missing(CLI::App& app, const GlobalOptions& /*global*/) {
  const std::string name = app.get_name();
  app.allow_extras();
  app.fallthrough(false);  // whatever follows is for the other build to judge
  app.footer(
      fmt::format("This program was built without training. In the full build:\n  espalier {} --help", name));
  app.callback([name] { check_trains(name); });
}

std::array<Verb, kMissing.size()> missing_verbs() {
  std::array<Verb, kMissing.size()> verbs;
  for (std::size_t i = 0; i < verbs.size(); ++i)
    verbs[i] = {std::string(kMissing[i]), "(in the full build only)", add_missing};
  return verbs;
}

}  // namespace

std::span<const Verb> training_verbs() {
  static const auto verbs = missing_verbs();
  return verbs;
}

void check_trains(std::string_view verb) {
  throw UserError(fmt::format("`{}` needs the full build of espalier: this program does not train", verb),
                  "`make full` in the source tree builds it (libtorch and oneDNN come from Debian)");
}

void start_threads(int threads) {
  infer::configure_threads(threads);
}

std::map<std::string, std::string> tensor_libraries() {
  return {};
}

}  // namespace espalier
