#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "cli/global_options.h"
#include "cli/terminal.h"
#include "train/starting_model.h"
#include "train/training_options.h"

namespace espalier {

/// What the training verbs read from the command line beside their own options.
struct TrainingArguments {
  std::string backend = "onednn", dtype = "F32";
  bool resume = false, overwrite = false;
  std::optional<std::int64_t> upcycle;
  std::vector<std::int64_t> moe_layers;
};

/// --out, --steps, the optimizer's and the log's options, --upcycle, --resume, --overwrite, --backend.
void add_training_options(CLI::App& app, TrainingArguments& arguments, TrainingOptions& options);

/// Completes `options` from the parsed command line. Throws UserError for --moe-layers without --upcycle and
/// the other way round.
void resolve(const TrainingArguments& arguments, const GlobalOptions& global, const Terminal& terminal,
             TrainingOptions& options);
std::optional<UpcycleRequest> upcycle_request(const TrainingArguments& arguments);

/// Prints what a run came to, as text or JSON of the given kind.
void print_summary(const GlobalOptions& global, std::string_view kind, const TrainingOptions& options,
                   const TrainingSummary& summary);

}  // namespace espalier
