#include "surgery/renumbering.h"

#include <algorithm>

namespace espalier {

Renumbering::Renumbering(const Surgery& surgery) {
  blocks_ = surgery.topology.blocks;
  if (surgery.options.next_token == NextTokenLayers::kDrop) gone_ = surgery.topology.next_token_blocks;
  const arch::TensorNames& names = arch::names_of(surgery.topology.model_type);
  for (std::size_t i = 0; i < surgery.layers.size(); ++i) {
    const auto block = names.block(surgery.topology.layers[i].router);
    auto& numbers = after_[key(*block)];
    for (std::size_t place = 0; place < surgery.layers[i].keep.size(); ++place)
      numbers[surgery.layers[i].keep[place]] = static_cast<std::int64_t>(place);
  }
}

std::string Renumbering::key(const arch::BlockName& block) {
  return std::string(block.stack) + std::to_string(block.block);
}

std::optional<std::int64_t> Renumbering::after(const arch::BlockName& block, std::int64_t expert) const {
  const auto layer = after_.find(key(block));
  if (layer == after_.end()) return is_gone(block) ? std::nullopt : std::optional(expert);
  const auto found = layer->second.find(expert);
  return found == layer->second.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::int64_t> Renumbering::after(std::int64_t block, std::int64_t expert) const {
  const std::string ending = "." + std::to_string(block);
  const std::map<std::int64_t, std::int64_t>* numbers = nullptr;
  for (const auto& [name, of_block] : after_) {
    if (!name.ends_with(ending)) continue;
    if (numbers != nullptr) return expert;
    numbers = &of_block;
  }
  if (numbers == nullptr) return expert;
  const auto found = numbers->find(expert);
  return found == numbers->end() ? std::nullopt : std::optional(found->second);
}

bool Renumbering::is_gone(const arch::BlockName& block) const {
  const std::int64_t number = arch::number_of(block, 0, blocks_);
  return std::find(gone_.begin(), gone_.end(), number) != gone_.end();
}

}  // namespace espalier
