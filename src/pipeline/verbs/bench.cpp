#include "pipeline/verbs/bench.h"

#include <fmt/format.h>

#include "bench/model_bench.h"
#include "pipeline/make_verb.h"
#include "report/quantities.h"

namespace espalier::pipeline {
namespace {

namespace fs = std::filesystem;

/// The folder of a run stands for the model it left.
bool is_run(const fs::path& folder) {
  return fs::exists(folder / "manifest.json") && fs::exists(folder / "model" / "config.json");
}

}  // namespace

void describe(options::OptionTable& table, BenchOptions& options) {
  table
      .positional("models", options.models, "MODEL",
                  "checkpoint folders, or run folders, which keep their row as bench.json")
      .require();
  table.add("batch", options.batch, "N", "sequences").at_least(1);
  table.add("seq-len", options.sequence_length, "N", "tokens in each").at_least(1);
  table.add("rounds", options.rounds, "N", "timed rounds; the models take turns").at_least(1);
  table.add("round-seconds", options.round_seconds, "SECONDS", "least time of a round").above(0);
  table.add("out", options.out, "FILE", "write bench.json here");
}

BenchSummary bench(const BenchOptions& options, const RunContext& context) {
  ModelBenchOptions library;
  for (const fs::path& folder : options.models)
    library.models.push_back(is_run(folder) ? folder / "model" : folder);
  library.batch = options.batch;
  library.sequence_length = options.sequence_length;
  library.rounds = options.rounds;
  library.round_seconds = options.round_seconds;
  library.threads = context.threads;
  library.seed = context.seed;
  library.progress = context.progress;
  BenchSummary summary{bench_models(library)};
  for (std::size_t i = 0; i < options.models.size(); ++i)
    if (is_run(options.models[i]))
      write_bench_result(options.models[i] / "bench.json", {{summary.result.rows[i]}});
  if (!options.out.empty()) write_bench_result(options.out, summary.result);
  return summary;
}

nlohmann::ordered_json to_json(const BenchSummary& summary) {
  return nlohmann::ordered_json::parse(bench_result_to_json(summary.result));
}

std::string to_text(const BenchSummary& summary) {
  std::size_t width = 5;
  for (const BenchRow& row : summary.result.rows) width = std::max(width, row.model.size());
  std::string text = fmt::format("{:<{}}  {:>11}  {:>12}  {:>20}  {:>11}\n", "model", width, "parameters",
                                 "tokens/s", "min - max", "peak memory");
  for (const BenchRow& row : summary.result.rows) {
    const Throughput& rate = row.tokens_per_second;
    text += fmt::format("{:<{}}  {:>11}  {:>12.0f}  {:>20}  {:>8.1f} MB\n", row.model, width,
                        grouped_text(row.parameters), rate.median,
                        fmt::format("{:.0f} - {:.0f}", rate.min, rate.max),
                        static_cast<double>(row.peak_rss_bytes) / 1e6);
  }
  return text;
}

Verb bench_verb() {
  return make_verb(
      {"bench", "time models side by side: tokens per second and peak memory",
       "Example:\n  espalier bench models/mini-moe models/mini-dense --batch 1 --seq-len 128", 240},
      bench);
}

}  // namespace espalier::pipeline
