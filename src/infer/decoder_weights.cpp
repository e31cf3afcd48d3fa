#include <algorithm>
#include <utility>

#include "base/error.h"
#include "infer/decoder.h"
#include "infer/decoder_roles.h"

namespace espalier::infer {
namespace {

/// Rows of `width` values, in the order of `keep`.
Buffer<float> rows(const float* values, std::int64_t width, const std::vector<std::int64_t>& keep) {
  const auto count = static_cast<std::int64_t>(keep.size());
  Buffer<float> kept(count * width);
  for (std::int64_t i = 0; i < count; ++i)
    std::copy_n(values + keep[static_cast<std::size_t>(i)] * width, width, kept.data() + i * width);
  return kept;
}

void keep_only(DecoderMoe& moe, const std::vector<std::int64_t>& keep) {
  for (const std::int64_t expert : keep)
    if (expert < 0 || expert >= static_cast<std::int64_t>(moe.experts.size()))
      throw InternalError("keep_experts: there is no such expert");
  Buffer<float> buffer;
  const auto count = static_cast<std::int64_t>(keep.size()), D = moe.router.in();
  moe.router = stored(rows(moe.router.read(buffer), D, keep), count, D);
  for (StoredWeight* bias : {&moe.router_bias, &moe.correction_bias})
    if (bias->defined()) *bias = stored(rows(bias->floats(), 1, keep), 1, count);
  std::vector<GatedFfn> experts;
  for (const std::int64_t expert : keep) experts.push_back(moe.experts[static_cast<std::size_t>(expert)]);
  moe.experts = std::move(experts);
}

}  // namespace

void for_each_weight(const DecoderBlock& block, const std::function<void(const StoredWeight&)>& action) {
  visit_decoder_roles(block, 0, [&](const arch::TensorKey&, const StoredWeight& weight) { action(weight); });
}

DecoderBlock widened(const DecoderBlock& block) {
  DecoderBlock wide = block;
  visit_decoder_roles(wide, 0,
                      [](const arch::TensorKey&, StoredWeight& weight) { weight = widened(weight); });
  return wide;
}

DecoderModel widened(const DecoderModel& model) {
  DecoderModel wide = model;
  for (DecoderBlock& block : wide.blocks) block = widened(block);
  wide.embedding = widened(model.embedding);
  wide.norm = {widened(model.norm.weight), widened(model.norm.bias)};
  wide.head_bias = widened(model.head_bias);
  wide.head = model.tied() ? wide.embedding : widened(model.head);
  return wide;
}

DecoderModel keep_experts(const DecoderModel& model, std::span<const std::vector<std::int64_t>> keep) {
  DecoderModel pruned = model;
  for (std::size_t layer = 0; layer < keep.size(); ++layer) {
    auto* moe = std::get_if<DecoderMoe>(&pruned.blocks.at(layer).feed_forward);
    if (keep[layer].empty()) continue;
    if (moe == nullptr) throw InternalError("keep_experts: a block without experts");
    keep_only(*moe, keep[layer]);
    arch::MixtureOfExperts& spec = *pruned.spec.blocks[layer].moe();
    spec.experts = spec.router.rows = spec.router.capacity_experts =
        static_cast<std::int64_t>(keep[layer].size());
  }
  return pruned;
}

}  // namespace espalier::infer
