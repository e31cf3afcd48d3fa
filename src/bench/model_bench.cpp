#include "bench/model_bench.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/rng.h"
#include "base/stopwatch.h"
#include "bench/worker.h"
#include "infer/encoder.h"

namespace espalier {
namespace {

/// One model and its batch, in the worker's process.
struct Subject {
  infer::EncoderModel model;
  std::vector<std::int64_t> ids;  // [B * T]
  infer::SequenceLayout layout;
};

std::vector<std::int64_t> random_ids(const infer::EncoderModel& model, const ModelBenchOptions& options) {
  Rng rng(options.seed);
  std::vector<std::int64_t> ids(static_cast<std::size_t>(options.batch * options.sequence_length));
  for (auto& id : ids)
    id = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(model.vocabulary())));
  return ids;
}

void forward(const Subject& subject) {
  const auto hidden = encode(subject.model, {subject.ids, {}, subject.layout});
  if (subject.model.pooler && subject.model.classifier)
    classify(subject.model, subject.layout, hidden.data());
}

WorkerTask task_for(const std::filesystem::path& folder, const ModelBenchOptions& options) {
  auto subject = std::make_shared<Subject>();
  return {.start =
              [subject, folder, options] {
                subject->model = infer::load_encoder(Checkpoint::open(folder));
                subject->ids = random_ids(subject->model, options);
                subject->layout = infer::SequenceLayout::uniform(options.batch, options.sequence_length);
                forward(*subject);
                return static_cast<std::uint64_t>(parameter_count(subject->model));
              },
          .round =
              [subject, options] {
                const Stopwatch watch;
                std::int64_t tokens = 0;
                do {
                  forward(*subject);
                  tokens += options.batch * options.sequence_length;
                } while (watch.seconds() < options.round_seconds);
                return static_cast<double>(tokens) / watch.seconds();
              }};
}

Throughput summarize(std::vector<double> rates) {
  std::sort(rates.begin(), rates.end());
  return {rates[rates.size() / 2], rates.front(), rates.back(), static_cast<int>(rates.size())};
}

}  // namespace

BenchResult bench_models(const ModelBenchOptions& options) {
  std::vector<Worker> workers;
  BenchResult result;
  for (const auto& folder : options.models) {
    workers.emplace_back(task_for(folder, options));
    const auto ready = workers.back().wait_until_ready();
    if (!ready.error.empty()) throw UserError(ready.error, ready.hint);
    result.rows.push_back({.model = folder.string(),
                           .threads = options.threads,
                           .batch = static_cast<int>(options.batch),
                           .seq_len = static_cast<int>(options.sequence_length),
                           .parameters = ready.parameters});
  }
  std::vector<std::vector<double>> rates(workers.size());
  for (int round = -1; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < workers.size(); ++i) {
      const double rate = workers[i].round();
      if (round >= 0) rates[i].push_back(rate);
    }
    if (options.progress)
      options.progress({"timing", static_cast<std::uint64_t>(round + 1),
                        static_cast<std::uint64_t>(options.rounds), "rounds"});
  }
  for (std::size_t i = 0; i < workers.size(); ++i) {
    result.rows[i].tokens_per_second = summarize(std::move(rates[i]));
    result.rows[i].peak_rss_bytes = workers[i].peak_resident_bytes();
  }
  return result;
}

}  // namespace espalier
