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

/// Rows of the stored matrix become columns.
void widen_turned(const StoredWeight& weight, float* to) {
  const Turned& turned = *weight.turned;
  const auto width = weight.numbers.columns, in = weight.in();
  weight.numbers.check(0, weight.numbers.rows);
  parallel_for(in, std::max<std::int64_t>(1, kGrain / width), [&](std::int64_t begin, std::int64_t end) {
    Buffer<float> row(width);
    for (std::int64_t j = begin; j < end; ++j) {
      weight.numbers.decode_checked_rows(j, 1, row.data());
      for (std::int64_t i = 0; i < turned.out; ++i)
        to[i * in + j] = row.data()[turned.first + i * turned.step];
    }
  });
}

void widen(const StoredWeight& weight, float* to) {
  if (weight.turned) return widen_turned(weight, to);
  const auto width = weight.in();
  weight.numbers.check(0, weight.numbers.rows);
  parallel_for(weight.out(), std::max<std::int64_t>(1, kGrain / width),
               [&](std::int64_t begin, std::int64_t end) {
                 weight.numbers.decode_checked_rows(begin, end - begin, to + begin * width);
               });
}

/// [out, in] where it lies as float32 in memory.
const float* own_floats(const StoredWeight& weight) {
  return weight.turned ? nullptr : weight.numbers.floats();
}

void advise(std::span<const std::byte> bytes, int advice) {
  // Whole pages only: the first and the last may hold a neighbour's bytes.
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(bytes.data());
  const auto begin = (first + page - 1) / page * page;
  const auto end = (first + bytes.size()) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

void advise(const StoredWeight& weight, int advice) {
  if (weight.owner || !weight.defined()) return;
  for (std::size_t part = 0; part < weight.numbers.parts.size(); ++part)
    if (weight.numbers.parts[part].there) advise(weight.numbers.bytes(part), advice);
}

}  // namespace

const float* StoredWeight::read(Buffer<float>& buffer) const {
  if (const float* own = own_floats(*this)) return own;
  float* to = buffer.room(elements());
  widen(*this, to);
  return to;
}

ReadyWeight StoredWeight::open(Buffer<float>& buffer) const {
  if (turned || own_floats(*this) != nullptr) return {read(buffer)};
  numbers.decode_rows(0, 0, nullptr);  // what cannot be decoded says so here, not on a thread
  numbers.check(0, numbers.rows);
  return {nullptr, {&numbers, [](const void* weight, std::int64_t first, std::int64_t count, float* to) {
                      static_cast<const formats::Weight*>(weight)->decode_checked_rows(first, count, to);
                    }}};
}

const float* StoredWeight::floats() const {
  const float* own = own_floats(*this);
  if (own == nullptr) throw InternalError("a weight that is not float32 in memory is used as if it were");
  return own;
}

StoredWeight StoredWeight::rows(std::int64_t begin, std::int64_t count) const {
  if (!turned) return {numbers.slice(begin, count), {}, owner};
  if (begin < 0 || count < 0 || begin + count > turned->out)
    throw InternalError("rows outside a weight that is stored transposed");
  return {numbers, Turned{turned->first + begin * turned->step, turned->step, count}, owner};
}

StoredWeight stored(Buffer<float> values, std::int64_t out, std::int64_t in) {
  const auto owner = std::make_shared<const Buffer<float>>(std::move(values));
  const auto bytes = std::as_bytes(owner->span().first(static_cast<std::size_t>(out * in)));
  return {formats::dense_weight({Dtype::kF32, bytes}, out, in), {}, owner};
}

StoredWeight widened(const StoredWeight& weight) {
  if (!weight.defined() || own_floats(weight) != nullptr) return weight;
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
