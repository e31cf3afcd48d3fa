#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/progress.h"
#include "cli/global_options.h"
#include "report/quantities.h"

namespace espalier {

/// Draws progress and notes on stderr: a bar with rate and time left where stderr is a terminal, a plain line
/// every half minute where it is not, nothing with `--quiet`. Copies of its sinks keep it alive.
class Terminal {
 public:
  explicit Terminal(const GlobalOptions& options);
  ProgressSink progress() const;
  NoteSink notes() const;
  /// Ends the bar's line; the last copy does so too.
  void finish() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// One line, at most `columns` wide: `pretraining  42% [====>      ] 420/1,000 steps  3.1 steps/s  3m07s
/// left`. Without a total there is no bar and no time left; `seconds` have passed and `done_before` units
/// were done when counting began (a resumed run).
std::string progress_line(const Progress& progress, double seconds, std::uint64_t done_before, int columns);

}  // namespace espalier
