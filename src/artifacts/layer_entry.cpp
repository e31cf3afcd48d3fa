#include "artifacts/layer_entry.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/error.h"

namespace espalier {

void LayerEntry::fail(std::string_view field, std::string_view message, std::string hint) const {
  throw UserError(fmt::format("{}: layers[{}].{}: {}", where_, index_, field, message), std::move(hint));
}

void LayerEntry::expect_layer_after(int layer, int before) const {
  if (layer < 0 || layer >= kMostLayers) {
    fail("layer", fmt::format("found {}, expected a block number from 0 to {}", layer, kMostLayers - 1));
  }
  if (layer == before) fail("layer", fmt::format("block {} is listed twice", layer));
  if (layer < before) {
    fail("layer", fmt::format("block {} comes after block {}", layer, before), "list the blocks ascending");
  }
}

void LayerEntry::expect_length(std::string_view field, std::size_t found, std::size_t expected) const {
  if (found != expected) fail(field, fmt::format("{} entries, expected {}", found, expected));
}

void LayerEntry::expect_distinct(std::string_view field, std::span<const int> numbers, int below) const {
  std::unordered_set<int> seen;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::string item = fmt::format("{}[{}]", field, i);
    if (numbers[i] < 0 || numbers[i] >= below) {
      fail(item, fmt::format("there is no expert {}, expected 0 to {}", numbers[i], below - 1));
    }
    if (!seen.insert(numbers[i]).second) fail(item, fmt::format("expert {} is listed twice", numbers[i]));
  }
}

void expect_sha256(std::string_view text, std::string_view where, std::string_view field) {
  if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    throw UserError(
        fmt::format("{}: {}: found \"{}\", expected 64 hexadecimal digits", where, field, text.substr(0, 64)),
        "the file was changed by hand or is damaged: write it again");
  }
}

std::vector<int> expert_numbers(JsonObject& object, std::string_view key) {
  std::vector<int> numbers;
  for (const std::int64_t number : object.integers(key, {0, kMostExperts - 1})) {
    numbers.push_back(static_cast<int>(number));
  }
  return numbers;
}

int block_number(JsonObject& object, std::string_view key) {
  return static_cast<int>(object.integer(key, {0, kMostLayers - 1}));
}

}  // namespace espalier
