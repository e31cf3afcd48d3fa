#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// Real tokens per second (no padding) over `runs` timed runs.
struct Throughput {
  double median = 0;
  double min = 0;
  double max = 0;
  int runs = 0;
};

/// One model timed at one shape.
struct BenchRow {
  std::string model;
  int threads = 0;
  int batch = 0;    ///< B
  int seq_len = 0;  ///< T
  Throughput tokens_per_second;
  std::uint64_t peak_rss_bytes = 0;
  std::uint64_t parameters = 0;
};

/// `bench.json`: speed and memory.
struct BenchResult {
  std::vector<BenchRow> rows;
};

std::string bench_result_to_json(const BenchResult& result);
/// Strict: unknown keys and wrong types are a UserError that begins with `where`.
BenchResult bench_result_from_json(std::string_view json, std::string_view where);

/// Atomic.
void write_bench_result(const std::filesystem::path& file, const BenchResult& result);
BenchResult read_bench_result(const std::filesystem::path& file);

}  // namespace espalier
