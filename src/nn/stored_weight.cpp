#include "nn/stored_weight.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

namespace espalier {
namespace {

constexpr std::int64_t kGrain = 1 << 16;  // elements a thread widens at a time

bool is_float32(const StoredWeight& weight) {
  return weight.dtype == Dtype::kF32 &&
         reinterpret_cast<std::uintptr_t>(weight.bytes.data()) % alignof(float) == 0;
}

void widen(const StoredWeight& weight, float* to) {
  const auto size = static_cast<std::int64_t>(size_bytes(weight.dtype));
  at::parallel_for(0, weight.elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    const auto from = weight.bytes.subspan(static_cast<std::size_t>(begin * size),
                                           static_cast<std::size_t>((end - begin) * size));
    to_float32(weight.dtype, from, {to + begin, static_cast<std::size_t>(end - begin)});
  });
}

void advise(const StoredWeight& weight, int advice) {
  if (weight.owner.defined() || weight.bytes.empty()) return;
  // Whole pages only: the first and the last may hold a neighbour's bytes.
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(weight.bytes.data());
  const auto begin = (first + page - 1) / page * page;
  const auto end = (first + weight.bytes.size()) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

float* WeightBuffer::floats(std::int64_t count) {
  if (!data_.defined() || data_.numel() < count) {
    data_.reset();
    data_ = torch::empty({count}, torch::kFloat32);
  }
  return data_.data_ptr<float>();
}

const float* StoredWeight::read(WeightBuffer& buffer) const {
  if (is_float32(*this)) return reinterpret_cast<const float*>(bytes.data());
  float* to = buffer.floats(elements());
  widen(*this, to);
  return to;
}

StoredWeight StoredWeight::rows(std::int64_t begin, std::int64_t count) const {
  if (begin < 0 || count < 0 || begin + count > out)
    throw InternalError(fmt::format("rows {} to {} of a weight of {}", begin, begin + count, out));
  const auto row = static_cast<std::size_t>(in) * size_bytes(dtype);
  return {dtype, bytes.subspan(static_cast<std::size_t>(begin) * row, static_cast<std::size_t>(count) * row),
          count, in, owner};
}

StoredWeight stored(const torch::Tensor& weight) {
  const auto owner = weight.to(torch::kFloat32).contiguous();
  const auto in = owner.size(-1);
  return {Dtype::kF32,
          {reinterpret_cast<const std::byte*>(owner.data_ptr<float>()), owner.nbytes()},
          owner.numel() / in,
          in,
          owner};
}

StoredWeight widened(const StoredWeight& weight) {
  if (!weight.defined() || is_float32(weight)) return weight;
  auto owner = torch::empty({weight.out, weight.in}, torch::kFloat32);
  widen(weight, owner.data_ptr<float>());
  return stored(owner);
}

void prefetch(const StoredWeight& weight) {
  advise(weight, MADV_WILLNEED);
}

void release(const StoredWeight& weight) {
  advise(weight, MADV_DONTNEED);
}

}  // namespace espalier
