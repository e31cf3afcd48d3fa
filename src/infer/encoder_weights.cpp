#include "infer/encoder_weights.h"

#include "infer/bound_weights.h"
#include "infer/encoder_roles.h"

namespace espalier::infer {
namespace {

/// A block with the parts that its description asks for, without weights.
EncoderBlock shaped(const arch::BlockSpec& spec) {
  EncoderBlock block;
  const arch::MixtureOfExperts* moe = spec.moe();
  if (moe == nullptr) return block;
  EncoderMoe layer;
  layer.experts.resize(static_cast<std::size_t>(moe->experts));
  if (moe->router.rows != moe->experts) {
    layer.expert_of_row.assign(static_cast<std::size_t>(moe->router.rows), -1);
    for (std::size_t e = 0; e < moe->router.expert_rows.size(); ++e)
      layer.expert_of_row[static_cast<std::size_t>(moe->router.expert_rows[e])] =
          static_cast<std::int32_t>(e);
  }
  block.feed_forward = std::move(layer);
  return block;
}

}  // namespace

std::vector<EncoderBlock> load_blocks(const Checkpoint& checkpoint, const arch::DescribedModel& model) {
  std::vector<EncoderBlock> blocks;
  for (const arch::BlockSpec& spec : model.spec.blocks) {
    EncoderBlock block = shaped(spec);
    visit_encoder_roles(block, static_cast<std::int64_t>(blocks.size()),
                        [&](const arch::TensorKey& key, StoredWeight& weight) {
                          weight = widened(bound_weight(checkpoint, model.tensors, key));
                        });
    blocks.push_back(std::move(block));
  }
  return blocks;
}

StoredWeight load_weight(const Checkpoint& checkpoint, const arch::DescribedModel& model, arch::Role role,
                         arch::Part part) {
  return widened(bound_weight(checkpoint, model.tensors, {role, part}));
}

}  // namespace espalier::infer
