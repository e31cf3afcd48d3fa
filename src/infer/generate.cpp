#include "infer/generate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/rng.h"

namespace espalier::infer {
namespace {

std::uint64_t float32_bytes(const DecoderModel& model) {
  std::int64_t elements = model.embedding.elements() + model.head.elements();
  for (const DecoderBlock& block : model.blocks)
    for_each_weight(block, [&](const StoredWeight& weight) { elements += weight.elements(); });
  return static_cast<std::uint64_t>(elements) * sizeof(float);
}

std::int32_t most_probable(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

std::int32_t sample(std::span<const float> logits, const SamplingOptions& options, std::uint64_t index) {
  if (options.temperature <= 0) return most_probable(logits);
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
  });
  const double largest = static_cast<double>(logits[static_cast<std::size_t>(order.front())]);
  std::vector<double> weights;
  for (const std::int32_t id : order)
    weights.push_back(std::exp((static_cast<double>(logits[static_cast<std::size_t>(id)]) - largest) /
                               options.temperature));
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double nucleus = 0;
  std::size_t kept = 0;
  while (kept < weights.size() && (kept == 0 || nucleus < options.top_p * total)) nucleus += weights[kept++];
  double left = static_cast<double>(counter_random(options.seed, index) >> 11) * 0x1.0p-53 * nucleus;
  for (std::size_t i = 0; i < kept; ++i)
    if ((left -= weights[i]) < 0) return order[i];
  return order[kept - 1];
}

struct Generation::State {
  DecoderModel model;
  RopeTables rope;
  std::vector<std::unique_ptr<ReadyBlock>> blocks;
  std::vector<KeyValues> past;
  std::int64_t length = 0;

  State(const DecoderModel& of, std::int64_t positions, std::uint64_t most_bytes)
      : model(float32_bytes(of) <= most_bytes ? widened(of) : of),
        rope(of.spec, positions),
        past(of.blocks.size()) {
    for (std::int64_t layer = 0; layer < of.spec.layers(); ++layer)
      blocks.push_back(std::make_unique<ReadyBlock>(model, layer, rope));
  }
};

Generation::Generation(const DecoderModel& model, std::int64_t positions, std::uint64_t most_bytes)
    : state_(std::make_unique<State>(model, positions, most_bytes)) {}
Generation::~Generation() = default;

std::int64_t Generation::length() const {
  return state_->length;
}

std::vector<float> Generation::append(std::span<const std::int32_t> ids) {
  const auto N = static_cast<std::int64_t>(ids.size());
  if (N == 0) throw InternalError("generation: nothing to append");
  if (length() + N > state_->rope.positions())
    throw InternalError("generation: more tokens than there are positions");
  const auto D = state_->model.width();
  Buffer<float> x(N * D);
  embed(state_->model, ids, x.data());
  auto choices = room_for_choices(state_->model, N);
  for (std::size_t layer = 0; layer < state_->blocks.size(); ++layer)
    state_->blocks[layer]->run(N, x.data(), state_->past[layer], choices.empty() ? nullptr : choices.data());
  state_->length += N;
  std::vector<float> logits(static_cast<std::size_t>(state_->model.vocabulary()));
  decoder_logits(state_->model, 1, x.data() + (N - 1) * D, logits.data());
  return logits;
}

std::vector<std::int32_t> generate(Generation& generation, std::span<const std::int32_t> prompt,
                                   std::int64_t count, std::span<const std::int32_t> stops,
                                   const SamplingOptions& sampling,
                                   const std::function<void(std::int32_t)>& emit) {
  std::vector<std::int32_t> made;
  std::vector<float> logits = generation.append(prompt);
  for (std::int64_t i = 0; i < count; ++i) {
    if (interrupt_requested()) throw Interrupted("interrupted");
    const std::int32_t next = sample(logits, sampling, static_cast<std::uint64_t>(i));
    if (std::find(stops.begin(), stops.end(), next) != stops.end()) break;
    made.push_back(next);
    if (emit) emit(next);
    if (i + 1 < count) logits = generation.append({&next, 1});
  }
  return made;
}

}  // namespace espalier::infer
