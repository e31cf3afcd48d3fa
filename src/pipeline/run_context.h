#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"

namespace espalier::pipeline {

/// Parts of a result as they come, for people: a text that grows, the steps of a verb that is made of others.
using PartSink = std::function<void(std::string_view)>;

/// What every verb is told beside its own options.
struct RunContext {
  std::uint64_t seed = 42;  ///< of everything random
  int threads = 1;          ///< that the kernels were told to use; for the record, and for child processes
  ProgressSink progress = [](const Progress&) {};
  NoteSink note = [](std::string_view) {};
  PartSink part;                                     ///< empty: nobody listens
  std::vector<std::string> command;                  ///< the command line as typed, for the record
  std::filesystem::path program = "/proc/self/exe";  ///< that has the verbs, for runs as child processes
  std::map<std::string, std::string> libraries;      ///< that the program brings: "torch" -> "1.13.0"
};

}  // namespace espalier::pipeline
