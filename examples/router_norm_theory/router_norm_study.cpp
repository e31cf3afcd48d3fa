#include "router_norm_theory/router_norm_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/interrupt.h"

namespace espalier::examples {
namespace {

constexpr std::uint64_t kTrainStream = 2, kTestStream = 3, kTuneStream = 4, kOrderStream = 5;

void check(const StudyOptions& options) {
  const TheorySetting& s = options.setting;
  const auto least =
      options.widths.empty() ? s.patterns : *std::min_element(options.widths.begin(), options.widths.end());
  if (std::min(least, s.patterns) < 3)
    throw UserError(
        fmt::format("--widths: {} patterns, expected at least 3: o1, o2 and one that says nothing",
                    std::min(least, s.patterns)),
        "a larger --widths has more patterns");
  if (s.chosen < 1 || s.chosen > s.tokens)
    throw UserError(
        fmt::format("--chosen {}: an expert takes from 1 to all {} tokens of a sample", s.chosen, s.tokens),
        "--help lists the options");
  if (s.experts < 2 || s.neurons < 1 || s.batch < 1 || options.seeds < 1 || options.test_samples < 1)
    throw UserError("expected at least two experts, one neuron, one sample and one seed",
                    "--help lists the options");
  for (const std::size_t drop : options.drops)
    if (drop >= s.experts)
      throw UserError(fmt::format("{} experts to prune, the model has {}", drop, s.experts), "one must stay");
}

TwoLayerMoe trained(const TheorySetting& setting, std::uint64_t seed, NormChanges& changes) {
  TwoLayerMoe model = initial_model(setting, seed);
  const auto before = router_norms(model);
  Rng rng(seed, kTrainStream), test(seed, kTestStream);
  train(model, setting, setting.steps, rng);
  changes.change = router_norms(model);
  for (std::size_t s = 0; s < model.experts(); ++s) {
    changes.change[s] -= before[s];
    changes.leaning.push_back(leaning_of(setting, s));
  }
  changes.accuracy = accuracy(model, setting, 2000, test);
  return model;
}

/// Experts in the order of dropping, most negative change first.
std::vector<std::size_t> by_change(const std::vector<double>& change) {
  std::vector<std::size_t> order(change.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return change[a] < change[b]; });
  return order;
}

std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng(seed, kOrderStream);
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  return order;
}

PrunedAccuracy pruned(TwoLayerMoe model, const StudyOptions& options, const std::vector<std::size_t>& order,
                      std::size_t dropped, std::uint64_t seed) {
  for (std::size_t i = 0; i < dropped; ++i) model.living[order[i]] = false;
  PrunedAccuracy result;
  result.seed = seed;
  result.dropped = dropped;
  Rng test(seed, kTestStream), tune(seed, kTuneStream), again(seed, kTestStream);
  result.before = accuracy(model, options.setting, options.test_samples, test);
  train(model, options.setting, options.fine_tune_steps, tune);
  result.after = accuracy(model, options.setting, options.test_samples, again);
  return result;
}

}  // namespace

StudyResult run_study(const StudyOptions& options, const ProgressSink& progress) {
  check(options);
  StudyResult result;
  const std::size_t total = options.seeds * (options.widths.size() + 1 + 2 * options.drops.size());
  std::size_t done = 0;
  const auto step = [&] {
    ++done;
    if (progress) progress({"training two-layer models", done, total, "models"});
    if (interrupt_requested()) throw Interrupted("stopped between two models; nothing is written");
  };
  for (std::size_t i = 0; i < options.seeds; ++i) {
    const std::uint64_t seed = options.seed + i;
    for (const std::size_t width : options.widths) {
      TheorySetting setting = options.setting;
      setting.patterns = width;
      trained(setting, seed, result.changes.emplace_back(NormChanges{width, seed, {}, {}, 0.0}));
      step();
    }
    NormChanges own;
    const TwoLayerMoe model = trained(options.setting, seed, own);
    step();
    for (const bool random : {false, true}) {
      const auto order = random ? shuffled(model.experts(), seed) : by_change(own.change);
      for (const std::size_t drop : options.drops) {
        result.pruned.push_back(pruned(model, options, order, drop, seed));
        result.pruned.back().order = random ? "random" : "router_norm_change";
        step();
      }
    }
  }
  return result;
}

}  // namespace espalier::examples
