#include "train/trained_parts.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace espalier::train {
namespace {

using arch::Role;

bool is_head(Role role) {
  return role == Role::kMaskedWordTransform || role == Role::kMaskedWordNorm ||
         role == Role::kMaskedWordOutput;
}

bool is_network(Role role) {
  switch (role) {
    case Role::kRouter:
    case Role::kExpertGate:
    case Role::kExpertUp:
    case Role::kExpertDown:
    case Role::kGate:
    case Role::kUp:
    case Role::kDown:
      return true;
    default:
      return false;
  }
}

std::int64_t block_of(const std::string& word, const arch::ModelSpec& spec) {
  constexpr std::string_view kNetwork = "ffn.";
  std::int64_t block = -1;
  const char *first = word.data() + std::min(word.size(), kNetwork.size()), *last = word.data() + word.size();
  const auto [end, error] = std::from_chars(first, last, block);
  if (!word.starts_with(kNetwork) || error != std::errc() || end != last || block < 0)
    throw UserError(fmt::format("--train {}: expected head, or ffn.L with a block's number", word),
                    "e.g. --train head,ffn.1,ffn.3; without it all is trained");
  if (block >= spec.layers())
    throw UserError(fmt::format("--train {}: the model has blocks 0 to {}", word, spec.layers() - 1),
                    "blocks are counted from 0");
  return block;
}

}  // namespace

bool TrainedParts::has(const Parameter& parameter) const {
  const auto& key = parameter.parts.front().key;
  return all || (head && is_head(key.role)) || (is_network(key.role) && networks.contains(key.block));
}

TrainedParts parse_trained_parts(const std::vector<std::string>& words, const arch::ModelSpec& spec) {
  TrainedParts parts;
  for (const auto& word : words) {
    parts.all = false;
    if (word == "head")
      parts.head = true;
    else
      parts.networks.insert(block_of(word, spec));
  }
  return parts;
}

}  // namespace espalier::train
