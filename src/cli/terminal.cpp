#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <mutex>

#include "base/stopwatch.h"
#include "cli/error_stream.h"

namespace espalier {
namespace {

constexpr double kRedrawSeconds = 0.1;  // fast enough to look alive, slow enough to cost nothing
constexpr double kLogSeconds = 30;      // into a file

int terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void write_line(std::string_view text, std::string_view before, std::string_view after) {
  write_error_stream(std::string(before) + printable(text) + std::string(after));
}

constexpr std::string_view kEraseLine = "\r\x1b[K";

}  // namespace

struct Terminal::State {
  std::mutex mutex;
  const bool quiet;
  const bool bars = isatty(STDERR_FILENO) == 1;
  bool bar_is_drawn = false;
  std::string what;  // of the work now counted
  std::uint64_t done_before = 0;
  Stopwatch since_start;
  Stopwatch since_drawn;
  bool drawn = false;

  explicit State(bool be_quiet) : quiet(be_quiet) {}
  ~State() { end_bar(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void end_bar() {
    if (bar_is_drawn) write_line("", "", "\n");
    bar_is_drawn = false;
  }

  void draw(const Progress& progress) {
    if (progress.what != what) start(progress);
    const bool finished = progress.total > 0 && progress.done >= progress.total;
    const double interval = bars ? kRedrawSeconds : kLogSeconds;
    if (!bars && since_drawn.seconds() < interval) return;  // a file is told of long work only
    if (!finished && drawn && since_drawn.seconds() < interval) return;
    const int columns = bars ? terminal_columns() - 1 : 1000;
    write_line(progress_line(progress, since_start.seconds(), done_before, columns), bars ? kEraseLine : "",
               bars ? "" : "\n");
    drawn = true;
    bar_is_drawn = bars;
    since_drawn.restart();
    if (finished) {
      end_bar();
      what.clear();  // the same work may start again
    }
  }

  void start(const Progress& progress) {
    end_bar();
    what = progress.what;
    done_before = progress.done;
    since_start.restart();
    since_drawn.restart();
    drawn = false;
  }

  void note(std::string_view text) {
    if (bar_is_drawn) write_line("", kEraseLine, "");
    bar_is_drawn = false;
    write_line(text, "", "\n");
  }
};

Terminal::Terminal(const GlobalOptions& options) : state_(std::make_shared<State>(options.quiet)) {}

ProgressSink Terminal::progress() const {
  return [state = state_](const Progress& progress) {
    if (state->quiet) return;
    const std::lock_guard lock(state->mutex);
    state->draw(progress);
  };
}

NoteSink Terminal::notes() const {
  return [state = state_](std::string_view text) {
    if (state->quiet) return;
    const std::lock_guard lock(state->mutex);
    state->note(text);
  };
}

void Terminal::finish() const {
  const std::lock_guard lock(state_->mutex);
  state_->end_bar();
}

}  // namespace espalier
