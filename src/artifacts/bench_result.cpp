#include "artifacts/bench_result.h"

#include <fmt/format.h>

#include "artifacts/object_reader.h"
#include "base/files.h"

namespace espalier {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

Throughput throughput_from(const json& value, const std::string& where) {
  ObjectReader reader(value, where + ": tokens_per_second");
  Throughput speed{.median = reader.number("median"),
                   .min = reader.number("min"),
                   .max = reader.number("max"),
                   .runs = static_cast<int>(reader.integer("runs", 1, INT32_MAX))};
  reader.finish();
  return speed;
}

BenchRow row_from(const json& value, const std::string& where) {
  ObjectReader reader(value, where);
  BenchRow row;
  row.model = reader.text("model");
  row.threads = static_cast<int>(reader.integer("threads", 1, INT32_MAX));
  row.batch = static_cast<int>(reader.integer("batch", 1, INT32_MAX));
  row.seq_len = static_cast<int>(reader.integer("seq_len", 1, INT32_MAX));
  row.tokens_per_second = throughput_from(reader.value("tokens_per_second"), where);
  row.peak_rss_bytes = reader.whole("peak_rss_bytes");
  row.parameters = reader.whole("parameters");
  reader.finish();
  return row;
}

ordered_json row_to_json(const BenchRow& row) {
  const Throughput& speed = row.tokens_per_second;
  return {{"model", row.model},
          {"threads", row.threads},
          {"batch", row.batch},
          {"seq_len", row.seq_len},
          {"tokens_per_second",
           {{"median", speed.median}, {"min", speed.min}, {"max", speed.max}, {"runs", speed.runs}}},
          {"peak_rss_bytes", row.peak_rss_bytes},
          {"parameters", row.parameters}};
}

}  // namespace

std::string bench_result_to_json(const BenchResult& result) {
  ordered_json object{{"format", "espalier.bench/1"}, {"rows", ordered_json::array()}};
  for (const BenchRow& row : result.rows) object["rows"].push_back(row_to_json(row));
  return to_text(object, 2) + "\n";
}

BenchResult bench_result_from_json(std::string_view text, std::string_view where) {
  const json value = parse_json(text, where);
  ObjectReader reader(value, where);
  reader.format("bench");
  BenchResult result;
  for (const json& row : reader.array("rows")) {
    result.rows.push_back(row_from(row, fmt::format("{}: row {}", where, result.rows.size())));
  }
  reader.finish();
  return result;
}

void write_bench_result(const std::filesystem::path& file, const BenchResult& result) {
  write_file(file, bench_result_to_json(result));
}

BenchResult read_bench_result(const std::filesystem::path& file) {
  return bench_result_from_json(read_file(file), file.string());
}

}  // namespace espalier
