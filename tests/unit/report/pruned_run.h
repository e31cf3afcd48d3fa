#pragma once

#include <string>

#include "artifacts/run_folder.h"
#include "temporary_folder.h"

namespace espalier {

// A run folder of fine-tuning with pruning, by hand: blocks 1 and 3 with four experts each, windows of ten
// steps. After the first, block 3 loses expert 0; after the second, block 1 keeps expert 1 alone and block 3
// what started as expert 1; the third trains the survivors.

inline const std::string kPrunedManifest =
    R"({"format":"espalier.run_manifest/1","verb":"finetune","command":["espalier","finetune","mini-moe"],)"
    R"("status":"finished","started_at":"2025-01-31T23:59:59Z","seed":42,"options":{"prune":"eager","task":"sst2"},)"
    R"("versions":{"espalier":"0.1.0"},"machine":{"cpu":"c","threads":2,"memory_bytes":5000000000},)"
    R"("parameters":3900000,"timings_seconds":{"train":12.5},"peak_rss_bytes":900000000})";

inline std::string pruned_metrics() {
  const auto line = [](int step, const std::string& loss, const std::string& survivors,
                       const std::string& load) {
    const std::string number = std::to_string(step);
    return R"({"format":"espalier.metrics/1","step":)" + number + R"(,"loss":)" + loss +
           R"(,"lr":0.0001,"tokens":)" + number + R"(00,"tokens_per_second":800,"grad_norm":1.5,"seconds":)" +
           number + R"(,"rss_bytes":900000000,"survivors":{)" + survivors + R"(},"expert_load":{)" + load +
           "}}\n";
  };
  const std::string all = R"("1":[0.1,0.4,0.3,0.2],"3":[0.02,0.5,0.28,0.2])";
  const std::string three = R"("1":[0.1,0.45,0.25,0.2],"3":[0.6,0.38,0.02])";
  return line(5, "0.7", R"("1":4,"3":4)", all) + line(10, "0.6", R"("1":4,"3":4)", all) +
         line(15, "0.5", R"("1":4,"3":3)", three) + line(20, "0.45", R"("1":4,"3":3)", three) +
         line(25, "0.5", R"("1":1,"3":1)", "") + line(30, "0.4", R"("1":1,"3":1)", "");
}

inline std::string window_scores(int window, const std::string& layers) {
  return R"({"format":"espalier.scores/1","criterion":"alpha","window":{"index":)" + std::to_string(window) +
         R"(,"first_step":)" + std::to_string(10 * window - 9) + R"(,"last_step":)" +
         std::to_string(10 * window) + R"(,"tokens":1000},"experts_per_token":1,"layers":[)" + layers + "]}";
}

inline std::string window_plan(int window, const std::string& layers) {
  return R"({"format":"espalier.plan/1","provenance":{"criterion":"alpha","schedule":"eager","seed":42,"window":)" +
         std::to_string(window) + R"(,"step":)" + std::to_string(10 * window) +
         R"(},"router":"reroute","experts_per_token":1,"layers":[)" + layers + "]}";
}

/// Writes the run's files into `folder`/`name` and returns that folder.
inline std::filesystem::path write_pruned_run(const TemporaryFolder& folder, const std::string& name) {
  const auto write = [&](const char* file, const std::string& text) {
    folder.write(name + "/" + file, text);
  };
  write("manifest.json", kPrunedManifest);
  write("metrics.jsonl", pruned_metrics());
  write("scores-000.json",
        window_scores(1, R"({"layer":1,"scores":[0.1,0.4,0.3,0.2],"tokens":[100,400,300,200]},)"
                         R"({"layer":3,"scores":[0.02,0.5,0.28,0.2],"tokens":[20,500,280,200]})"));
  write("plan-000.json", window_plan(1, R"({"layer":1,"num_experts_before":4,"keep":[0,1,2,3]},)"
                                        R"({"layer":3,"num_experts_before":4,"keep":[1,2,3],)"
                                        R"-("reason":{"0":"alpha 0.02 < 0.025 (0.1 / 4)"}})-"));
  write("scores-001.json",
        window_scores(2, R"({"layer":1,"scores":[0.1,0.45,0.25,0.2],"tokens":[100,450,250,200]},)"
                         R"({"layer":3,"scores":[0.6,0.38,0.02],"tokens":[600,380,20],"original":[1,2,3]})"));
  write("plan-001.json",
        window_plan(2, R"({"layer":1,"num_experts_before":4,"keep":[1]},)"
                       R"({"layer":3,"num_experts_before":3,"keep":[0],"original":[1,2,3]})"));
  write("scores-002.json", window_scores(3, ""));
  write(
      "eval.json",
      R"({"format":"espalier.eval/1","task":"sst2","split":"dev","examples":872,"metrics":{"accuracy":0.81},)"
      R"("baselines":{"largest_class":{"accuracy":0.5092},"naive_bayes":{"accuracy":0.74}}})");
  write("bench.json",
        R"({"format":"espalier.bench/1","rows":[{"model":"model","threads":2,"batch":32,"seq_len":128,)"
        R"("tokens_per_second":{"median":24100,"min":23000,"max":25000,"runs":5},"peak_rss_bytes":512000000,)"
        R"("parameters":3900000}]})");
  return folder / name;
}

inline RunFolder pruned_run(const std::string& name) {
  const TemporaryFolder folder;
  return read_run_folder(write_pruned_run(folder, name));
}

}  // namespace espalier
