#pragma once

#include <cmath>
#include <string>

#include "artifacts/run_folder.h"
#include "base/rng.h"

namespace espalier {

/// What a pre-training of a small MoE would log: a falling noisy loss, warm-up and decay, an expert load
/// that starts uneven and evens out. `moe_layers` empty gives the dense twin.
inline RunFolder synthetic_run(const std::string& name, int steps,
                               const std::vector<int>& moe_layers = {1, 3}, int experts = 8) {
  Rng rng(std::hash<std::string>()(name) % 1000);
  const double floor = moe_layers.empty() ? 2.45 : 2.3;
  RunFolder run;
  run.name = name;
  for (int step = 10; step <= steps * 10; step += 10) {
    const double progress = step / (steps * 10.0);
    MetricsLine line;
    line.step = step;
    line.mlm_loss =
        floor + 6.5 * std::exp(-9 * progress) + 0.6 * std::exp(-2 * progress) + 0.09 * rng.normal();
    line.loss = *line.mlm_loss;
    line.lr = 1e-3 * std::min(progress / 0.05, (1 - progress) / 0.95);
    line.tokens = step * 4096LL;
    line.tokens_per_second =
        (moe_layers.empty() ? 21'000 : 18'500) + 500 * rng.normal() - (step % 700 == 0 ? 6000 : 0);
    line.grad_norm = 0.5 + 3 * std::exp(-8 * progress) + 0.1 * std::fabs(rng.normal());
    line.seconds = static_cast<double>(line.tokens) / (moe_layers.empty() ? 21'000 : 18'500);
    line.rss_bytes = static_cast<std::uint64_t>(900e6 + 120e6 * (1 - std::exp(-30 * progress)));
    if (step % 250 == 0)
      line.valid_loss = floor + 0.05 + 6.5 * std::exp(-9 * progress) + 0.6 * std::exp(-2 * progress);
    for (const int layer : moe_layers) {
      double sum = 0;
      std::vector<double> load;
      for (int expert = 0; expert < experts; ++expert) {
        const double skew = 2.2 * std::exp(-6 * progress) + 0.12;
        const double preference =
            std::sin(1.7 * expert + layer) + 0.5 * std::sin(5 * progress + 2.1 * expert);
        load.push_back(std::exp(skew * preference + 0.05 * rng.normal()));
        sum += load.back();
      }
      double squares = 0;
      for (double& share : load) {
        share /= sum;
        squares += share * share;
      }
      line.expert_load[layer] = load;
      line.survivors[layer] = experts;
      line.balance_loss =
          line.balance_loss.value_or(0) + experts * squares / static_cast<double>(moe_layers.size());
    }
    if (line.balance_loss) line.loss += 0.01 * *line.balance_loss;
    run.metrics.push_back(std::move(line));
  }
  RunManifest& manifest = run.manifest;
  manifest.verb = "pretrain";
  manifest.command = {"espalier",       "pretrain", "mini.json",   "--text",
                      "my texts/*.txt", "--out",    "runs/" + name};
  manifest.status = RunStatus::kFinished;
  manifest.started_at = "2025-01-31T09:30:00Z";
  manifest.options = {{"batch", 32},
                      {"seq_len", 128},
                      {"lr", 1e-3},
                      {"betas", {0.9, 0.999}},
                      {"balance_weight", 0.01},
                      {"moe", {{"layers", moe_layers}, {"experts", moe_layers.empty() ? 0 : experts}}},
                      {"text", {"wordnet.txt", "gcide.txt"}}};
  manifest.versions = {{"espalier", "0.1.0"}, {"torch", "1.13.1"}, {"onednn", "2.7.3"}};
  manifest.seed = 42;
  manifest.machine = {.cpu = "A processor with AVX-512", .threads = 2, .memory_bytes = 25'000'000'000};
  manifest.parameters = moe_layers.empty() ? 3'900'000 : 5'700'000;
  manifest.active_parameters = 3'900'000;
  const double seconds = run.metrics.empty() ? 0 : run.metrics.back().seconds;
  manifest.timings_seconds = {{"train", seconds * 0.95},
                              {"validate", seconds * 0.035},
                              {"checkpoint", seconds * 0.01},
                              {"tokenize", 7}};
  manifest.peak_rss_bytes = 1'050'000'000;
  run.eval =
      EvalResult{.task = "masked_words",
                 .split = "dev",
                 .examples = 2000,
                 .metrics = {{"accuracy", moe_layers.empty() ? 0.462 : 0.491}, {"loss", floor + 0.05}}};
  return run;
}

}  // namespace espalier
