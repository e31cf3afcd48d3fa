// A masked-language-model training step (forward, backward, clipping, AdamW) on random tokens: tokens per
// second. The same model in PyTorch: benchmarks/peers/pytorch_encoder.py, same options, same JSON.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/machine.h"
#include "base/rng.h"
#include "base/stopwatch.h"
#include "train/adamw.h"
#include "train/checkpoint.h"
#include "train/ops/threads.h"
#include "train/task_loss.h"

using namespace espalier;

namespace {

struct Settings {
  std::int64_t layers = 6, width = 256, heads = 8, inner = 1024, vocabulary = 8192;
  std::vector<std::int64_t> moe_layers{1, 3};
  std::int64_t experts = 8, batch = 32, sequence_length = 128, warmup = 3, steps = 15;
  double dropout = 0.1, mask_share = 0.15;
  std::string head = "masked", backend = "onednn";
  int threads = hardware_threads();
};

/// 15% of each sequence masked, or with `--head all` every position predicted.
MlmBatch random_batch(const Settings& s, std::uint64_t step) {
  Rng rng(step + 1);
  MlmBatch batch;
  batch.offsets.push_back(0);
  const auto every = s.head == "all" ? 1.0 : s.mask_share;
  for (std::int64_t b = 0; b < s.batch; ++b) {
    const auto first = static_cast<std::int64_t>(batch.ids.size());
    for (std::int64_t t = 0; t < s.sequence_length; ++t)
      batch.ids.push_back(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(s.vocabulary))));
    const auto predicted = std::llround(every * static_cast<double>(s.sequence_length));
    for (std::int64_t i = 0; i < predicted; ++i) {
      batch.positions.push_back(first + i * s.sequence_length / predicted);
      batch.targets.push_back(batch.ids[static_cast<std::size_t>(batch.positions.back())]);
    }
    batch.offsets.push_back(static_cast<std::int64_t>(batch.ids.size()));
  }
  batch.types.assign(batch.ids.size(), 0);
  return batch;
}

nlohmann::json config_of(const Settings& s) {
  nlohmann::json config{{"model_type", "bert"},
                        {"vocab_size", s.vocabulary},
                        {"hidden_size", s.width},
                        {"num_hidden_layers", s.layers},
                        {"num_attention_heads", s.heads},
                        {"intermediate_size", s.inner},
                        {"hidden_dropout_prob", s.dropout},
                        {"attention_probs_dropout_prob", s.dropout}};
  if (s.experts > 1 && !s.moe_layers.empty())
    config.update(
        {{"model_type", "espalier_bert_moe"}, {"moe_layers", s.moe_layers}, {"num_experts", s.experts}});
  return config;
}

nlohmann::json run(const Settings& s) {
  configure_engine(s.threads);
  auto model = train::initialize(config_of(s), "the options", 1);
  std::vector<OptimizedParameter> parameters;
  visit_parameters(model, [&](const std::string& name, torch::Tensor& value) {
    if (name.starts_with("bert.pooler")) return;
    value.set_requires_grad(true);
    parameters.push_back(
        {name, value, torch::zeros_like(value), torch::zeros_like(value), weight_decays(name)});
  });
  AdamW optimizer({}, std::move(parameters));
  std::vector<double> rates;
  double loss = 0;
  for (std::int64_t step = 0; step < s.warmup + s.steps; ++step) {
    const auto batch = random_batch(s, static_cast<std::uint64_t>(step));
    const Stopwatch watch;
    const auto losses = masked_loss(model, batch,
                                    {.backend = parse_backend(s.backend),
                                     .mode = train::Mode::kTraining,
                                     .seed = static_cast<std::uint64_t>(step)});
    auto total = losses.mlm;
    if (losses.balance.defined()) total = total + 0.01 * losses.balance;
    loss = total.item<double>();
    total.backward();
    optimizer.step(1e-4);
    if (step >= s.warmup) rates.push_back(static_cast<double>(batch.ids.size()) / watch.seconds());
  }
  std::sort(rates.begin(), rates.end());
  return {{"program", "espalier"},
          {"backend", s.backend},
          {"threads", s.threads},
          {"head", s.head},
          {"layers", s.layers},
          {"width", s.width},
          {"experts", s.experts},
          {"parameters", parameter_count(model)},
          {"loss", loss},
          {"peak_rss_bytes", peak_resident_bytes()},
          {"tokens_per_second",
           {{"median", rates[rates.size() / 2]},
            {"min", rates.front()},
            {"max", rates.back()},
            {"runs", rates.size()}}}};
}

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  CLI::App app("Masked-language-model training steps on random tokens");
  app.add_option("--layers", s.layers);
  app.add_option("--width", s.width);
  app.add_option("--heads", s.heads);
  app.add_option("--ffn", s.inner);
  app.add_option("--vocab", s.vocabulary);
  app.add_option("--experts", s.experts, "1: dense");
  app.add_option("--moe-layers", s.moe_layers)->delimiter(',');
  app.add_option("--batch", s.batch);
  app.add_option("--seq-len", s.sequence_length);
  app.add_option("--head", s.head, "all or masked");
  app.add_option("--dropout", s.dropout);
  app.add_option("--backend", s.backend);
  app.add_option("--threads", s.threads);
  app.add_option("--warmup", s.warmup);
  app.add_option("--steps", s.steps);
  CLI11_PARSE(app, argc, argv);
  fmt::print("{}\n", run(s).dump());
}
