#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "base/machine.h"
#include "bench/model_bench.h"
#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// The folder of a run stands for the model it left.
bool is_run(const fs::path& folder) {
  return fs::exists(folder / "manifest.json") && fs::exists(folder / "model" / "config.json");
}

/// Times the models; each run gets its row as RUN/bench.json.
BenchResult bench_all(const std::vector<fs::path>& folders, ModelBenchOptions options) {
  options.models = folders;
  for (auto& model : options.models)
    if (is_run(model)) model /= "model";
  auto result = bench_models(options);
  for (std::size_t i = 0; i < folders.size(); ++i)
    if (is_run(folders[i])) write_bench_result(folders[i] / "bench.json", {{result.rows[i]}});
  return result;
}

void print_table(const BenchResult& result) {
  std::size_t width = 5;
  for (const auto& row : result.rows) width = std::max(width, row.model.size());
  std::cout << fmt::format("{:<{}}  {:>11}  {:>12}  {:>20}  {:>11}\n", "model", width, "parameters",
                           "tokens/s", "min - max", "peak memory");
  for (const auto& row : result.rows) {
    const auto& rate = row.tokens_per_second;
    std::cout << fmt::format("{:<{}}  {:>11}  {:>12.0f}  {:>20}  {:>8.1f} MB\n", row.model, width,
                             grouped_text(row.parameters), rate.median,
                             fmt::format("{:.0f} - {:.0f}", rate.min, rate.max),
                             static_cast<double>(row.peak_rss_bytes) / 1e6);
  }
}

}  // namespace

void add_bench(CLI::App& app, const GlobalOptions& global) {
  auto options = std::make_shared<ModelBenchOptions>();
  auto out = std::make_shared<std::string>();
  auto folders = std::make_shared<std::vector<fs::path>>();
  app.add_option("models", *folders, "checkpoint folders, or run folders, which keep their row as bench.json")
      ->required()
      ->type_name("MODEL");
  app.add_option("--batch", options->batch, "sequences")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--seq-len", options->sequence_length, "tokens in each")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--rounds", options->rounds, "timed rounds; the models take turns")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--round-seconds", options->round_seconds, "least time of a round")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--out", *out, "write bench.json here")->type_name("FILE");
  app.footer("Example:\n  espalier bench models/mini-moe models/mini-dense --batch 1 --seq-len 128");
  app.callback([options, folders, out, &global] {
    const Terminal terminal(global);
    options->threads = global.threads.value_or(hardware_threads());
    options->seed = global.seed;
    options->progress = terminal.progress();
    const auto result = bench_all(*folders, *options);
    terminal.finish();
    if (!out->empty()) write_bench_result(*out, result);
    if (global.json)
      std::cout << bench_result_to_json(result) << '\n';
    else
      print_table(result);
  });
}

}  // namespace espalier
