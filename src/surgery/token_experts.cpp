#include "surgery/token_experts.h"

#include <fmt/format.h>

#include <cstring>
#include <set>

#include "base/error.h"

namespace espalier {
namespace {

template <typename Number>
std::set<std::int64_t> numbers_in(std::span<const std::byte> bytes) {
  std::set<std::int64_t> found;
  for (std::size_t at = 0; at + sizeof(Number) <= bytes.size(); at += sizeof(Number)) {
    Number number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof(Number));
    found.insert(number);
  }
  return found;
}

std::set<std::int64_t> experts_named(const TensorView& table) {
  if (table.dtype == Dtype::kI64) return numbers_in<std::int64_t>(table.bytes);
  if (table.dtype == Dtype::kI32) return numbers_in<std::int32_t>(table.bytes);
  throw UserError(fmt::format("tensor {} is {}, expected I64 or I32: the experts of each token", table.name,
                              name(table.dtype)),
                  "take the checkpoint anew from where it came");
}

template <typename Number>
void renumber(std::span<const std::int64_t> number_of, std::span<std::byte> bytes) {
  for (std::size_t at = 0; at + sizeof(Number) <= bytes.size(); at += sizeof(Number)) {
    Number number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof(Number));
    number = static_cast<Number>(number_of[static_cast<std::size_t>(number)]);
    std::memcpy(bytes.data() + at, &number, sizeof(Number));
  }
}

}  // namespace

void expect_unnamed(const Checkpoint& checkpoint, const MoeLayerTensors& layer, const std::vector<int>& keep,
                    std::string_view where) {
  const std::set<std::int64_t> named = experts_named(checkpoint.tensor(layer.token_experts));
  if (!named.empty() && (*named.begin() < 0 || *named.rbegin() >= layer.num_experts))
    throw UserError(fmt::format("{}: layer {}: {} names expert {}, but there are {}", where, layer.layer,
                                layer.token_experts, *named.begin() < 0 ? *named.begin() : *named.rbegin(),
                                layer.num_experts),
                    "take the checkpoint anew from where it came");
  for (std::int64_t expert = 0; expert < layer.num_experts; ++expert) {
    const bool stays = std::binary_search(keep.begin(), keep.end(), static_cast<int>(expert));
    if (stays || !named.contains(expert)) continue;
    throw UserError(
        fmt::format("{}: layer {}: its experts are looked up by token, and {} names expert {}, which the "
                    "plan removes",
                    where, layer.layer, layer.token_experts, expert),
        fmt::format("keep the layer whole: plan with --skip-layers {} (and apply with --allow-unequal, where "
                    "other layers lose experts)",
                    layer.layer));
  }
}

void renumber_experts(std::span<const std::int64_t> number_of, Dtype dtype, std::span<std::byte> numbers) {
  if (dtype == Dtype::kI64) return renumber<std::int64_t>(number_of, numbers);
  renumber<std::int32_t>(number_of, numbers);
}

}  // namespace espalier
