#include "artifacts/metrics.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

struct LogLine {
  MetricsLine line;
  std::size_t end;  // byte after its newline
};

/// The whole lines of the log; a torn last one is left out.
std::vector<LogLine> parse_log(std::string_view log, const std::filesystem::path& file) {
  std::vector<LogLine> lines;
  std::size_t begin = 0;
  for (std::size_t newline; (newline = log.find('\n', begin)) != std::string_view::npos;
       begin = newline + 1) {
    const std::string where = fmt::format("{}:{}", file.string(), lines.size() + 1);
    LogLine next{metrics_line_from_json(log.substr(begin, newline - begin), where), newline + 1};
    if (!lines.empty() && next.line.step <= lines.back().line.step) {
      throw UserError(fmt::format("{}: step {} after step {}; steps must grow", where, next.line.step,
                                  lines.back().line.step),
                      "two runs wrote to this file: take away the lines of one of them");
    }
    lines.push_back(std::move(next));
  }
  return lines;
}

[[noreturn]] void fail(const std::filesystem::path& file, const char* action, int error) {
  throw UserError(fmt::format("{}: cannot {}: {}", file.string(), action, std::strerror(error)),
                  error == ENOSPC ? "free some space, then go on with --resume" : "");
}

void truncate_log(int descriptor, const std::filesystem::path& file, std::size_t bytes) {
  if (ftruncate(descriptor, static_cast<off_t>(bytes)) != 0) fail(file, "truncate", errno);
}

}  // namespace

std::vector<MetricsLine> read_metrics(const std::filesystem::path& file) {
  std::vector<MetricsLine> lines;
  for (LogLine& entry : parse_log(read_file(file), file)) lines.push_back(std::move(entry.line));
  return lines;
}

MetricsWriter::MetricsWriter(const std::filesystem::path& file, std::optional<std::int64_t> resume_after_step)
    : file_(file) {
  std::size_t keep_bytes = 0;
  if (resume_after_step && std::filesystem::exists(file)) {
    for (const LogLine& entry : parse_log(read_file(file), file)) {
      if (entry.line.step > *resume_after_step) break;
      keep_bytes = entry.end;
      last_step_ = entry.line.step;
    }
  }
  descriptor_ = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail(file, "open for writing", errno);
  try {
    truncate_log(descriptor_, file, keep_bytes);
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

MetricsWriter::~MetricsWriter() {
  close(descriptor_);
}

void MetricsWriter::append(const MetricsLine& line) {
  if (last_step_ && line.step <= *last_step_) {
    throw InternalError(fmt::format("metrics: step {} logged after step {}", line.step, *last_step_));
  }
  const std::string text = metrics_line_to_json(line);
  struct stat before {};
  if (fstat(descriptor_, &before) != 0) fail(file_, "look at", errno);
  ssize_t written;
  do {
    written = write(descriptor_, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(text.size())) {
    // A disk that fills up takes part of the line first.
    const int error = written < 0 ? errno : ENOSPC;
    truncate_log(descriptor_, file_, static_cast<std::size_t>(before.st_size));
    fail(file_, "write", error);
  }
  last_step_ = line.step;
}

}  // namespace espalier
