#include "data/example_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace espalier {

ExampleBatch gather(const EncodedExamples& examples, std::span<const std::uint32_t> places) {
  ExampleBatch batch;
  batch.offsets.push_back(0);
  batch.places.assign(places.begin(), places.end());
  for (const auto place : places) {
    const auto begin = examples.ids.begin() + static_cast<std::ptrdiff_t>(examples.offsets[place]);
    const auto end = examples.ids.begin() + static_cast<std::ptrdiff_t>(examples.offsets[place + 1]);
    batch.ids.insert(batch.ids.end(), begin, end);
    batch.types.resize(batch.types.size() + examples.first_lengths[place], 0);
    batch.types.resize(batch.ids.size(), 1);
    batch.offsets.push_back(static_cast<std::int64_t>(batch.ids.size()));
    if (!examples.labels.empty()) batch.labels.push_back(examples.labels[place]);
    if (!examples.values.empty()) batch.values.push_back(examples.values[place]);
  }
  return batch;
}

ExampleBatches::ExampleBatches(const EncodedExamples& examples, const ExampleBatchOptions& options)
    : examples_(examples), options_(options) {
  if (options.batch_size < 1) {
    throw UserError(fmt::format("--batch {}: expected at least one example", options.batch_size),
                    "16 and 32 are usual");
  }
  if (examples.size() == 0) throw UserError("there are no examples", "pass a file with rows");
}

std::uint64_t ExampleBatches::steps_per_epoch() const {
  return (examples_.size() - 1) / static_cast<std::uint64_t>(options_.batch_size) + 1;
}

ExampleBatch ExampleBatches::next(CorpusCursor& cursor) {
  if (cursor.next >= examples_.size()) {
    throw InternalError(fmt::format("the cursor is at example {} of {}", cursor.next, examples_.size()));
  }
  if (ordered_epoch_ != cursor.epoch) {
    if (options_.order == ExampleOrder::kShuffled) {
      order_ = epoch_order(options_.seed, cursor.epoch, examples_.size());
    } else {
      order_.resize(examples_.size());
      std::iota(order_.begin(), order_.end(), 0U);
    }
    ordered_epoch_ = cursor.epoch;
  }
  const auto left = examples_.size() - cursor.next;
  const auto count = std::min<std::uint64_t>(left, static_cast<std::uint64_t>(options_.batch_size));
  auto batch = gather(examples_, std::span(order_).subspan(cursor.next, count));
  cursor =
      count == left ? CorpusCursor{cursor.epoch + 1, 0} : CorpusCursor{cursor.epoch, cursor.next + count};
  return batch;
}

}  // namespace espalier
