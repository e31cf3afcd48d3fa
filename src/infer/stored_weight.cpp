#include "infer/stored_weight.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"

namespace espalier::infer {
namespace {

constexpr std::int64_t kGrain = 1 << 16;  // elements a thread widens at a time

void widen(const StoredWeight& weight, float* to) {
  const auto width = weight.in();
  parallel_for(weight.out(), std::max<std::int64_t>(1, kGrain / width),
               [&](std::int64_t begin, std::int64_t end) {
                 weight.numbers.decode_rows(begin, end - begin, to + begin * width);
               });
}

void advise(const StoredWeight& weight, int advice) {
  if (weight.owner || !weight.defined()) return;
  const auto bytes = weight.numbers.bytes();
  // Whole pages only: the first and the last may hold a neighbour's bytes.
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(bytes.data());
  const auto begin = (first + page - 1) / page * page;
  const auto end = (first + bytes.size()) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

const float* StoredWeight::read(Buffer<float>& buffer) const {
  if (const float* own = numbers.floats()) return own;
  float* to = buffer.room(elements());
  widen(*this, to);
  return to;
}

const float* StoredWeight::floats() const {
  const float* own = numbers.floats();
  if (own == nullptr) throw InternalError("a weight that is not float32 in memory is used as if it were");
  return own;
}

StoredWeight stored(Buffer<float> values, std::int64_t out, std::int64_t in) {
  const auto owner = std::make_shared<const Buffer<float>>(std::move(values));
  const auto bytes = std::as_bytes(owner->span().first(static_cast<std::size_t>(out * in)));
  return {formats::dense_weight({Dtype::kF32, bytes}, out, in), owner};
}

StoredWeight widened(const StoredWeight& weight) {
  if (!weight.defined() || weight.numbers.floats() != nullptr) return weight;
  Buffer<float> values(weight.elements());
  widen(weight, values.data());
  return stored(std::move(values), weight.out(), weight.in());
}

void prefetch(const StoredWeight& weight) {
  advise(weight, MADV_WILLNEED);
}

void release(const StoredWeight& weight) {
  advise(weight, MADV_DONTNEED);
}

}  // namespace espalier::infer
