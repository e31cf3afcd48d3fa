#include "artifacts/bench_result.h"

#include "artifacts/json_fields.h"
#include "base/files.h"

namespace espalier {
namespace {

using nlohmann::ordered_json;

Throughput throughput_from(JsonObject object) {
  Throughput speed;
  speed.median = object.number("median", {0});
  speed.min = object.number("min", {0});
  speed.max = object.number("max", {0});
  speed.runs = small_count(object, "runs", 1);
  object.finish();
  return speed;
}

BenchRow row_from(JsonObject object) {
  BenchRow row;
  row.model = object.string("model");
  row.threads = small_count(object, "threads", 1);
  row.batch = small_count(object, "batch", 1);
  row.seq_len = small_count(object, "seq_len", 1);
  row.tokens_per_second = throughput_from(object.object("tokens_per_second"));
  row.peak_rss_bytes = whole_number(object, "peak_rss_bytes");
  row.parameters = whole_number(object, "parameters");
  object.finish();
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
  return to_json_text(object, 2) + "\n";
}

BenchResult bench_result_from_json(std::string_view text, std::string_view where) {
  JsonObject object(parse_json(text, where), std::string(where));
  object.expect_format("bench", 1);
  BenchResult result;
  for (JsonObject& row : object.objects("rows")) result.rows.push_back(row_from(std::move(row)));
  object.finish();
  return result;
}

void write_bench_result(const std::filesystem::path& file, const BenchResult& result) {
  write_file(file, bench_result_to_json(result));
}

BenchResult read_bench_result(const std::filesystem::path& file) {
  return bench_result_from_json(read_file(file), file.string());
}

}  // namespace espalier
