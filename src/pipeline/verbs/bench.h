#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "artifacts/bench_result.h"
#include "pipeline/verb.h"

namespace espalier::pipeline {

struct BenchOptions {
  std::vector<std::filesystem::path> models;  ///< checkpoint folders, or run folders, which keep their row
  std::int64_t batch = 32;
  std::int64_t sequence_length = 128;
  int rounds = 7;
  double round_seconds = 0.5;
  std::filesystem::path out;  ///< bench.json; empty: nowhere
};
void describe(options::OptionTable& table, BenchOptions& options);

struct BenchSummary {
  BenchResult result;
};
nlohmann::ordered_json to_json(const BenchSummary& summary);
std::string to_text(const BenchSummary& summary);

/// Times forward passes of models side by side (bench/model_bench.h).
BenchSummary bench(const BenchOptions& options, const RunContext& context);

Verb bench_verb();

}  // namespace espalier::pipeline
