#include <fmt/format.h>

#include <utility>

#include "arch/vmoe_tensors.h"
#include "infer/encoder_finder.h"
#include "infer/vision.h"

namespace espalier::infer {
namespace {

EncoderMoe find_moe(const EncoderFinder& finder, const std::string& name, const VmoeLayer& layer) {
  EncoderMoe moe;
  const std::string router = name + ".router.weight";
  moe.router = finder.find(router);
  moe.experts = finder.experts(name, layer.experts);
  if (layer.router_rows == layer.experts) return moe;
  moe.expert_of_row.assign(static_cast<std::size_t>(layer.router_rows), -1);
  for (std::size_t e = 0; e < layer.expert_rows.size(); ++e)
    moe.expert_of_row[static_cast<std::size_t>(layer.expert_rows[e])] = static_cast<std::int32_t>(e);
  if (layer.novices) moe.novices = finder.find(vmoe_novices(router));
  return moe;
}

EncoderBlock find_block(const EncoderFinder& finder, std::int64_t l, const VmoeConfig& config) {
  const auto name = fmt::format("encoder.layer.{}", l);
  EncoderBlock block;
  block.attention_norm = finder.norm(name + ".attention_norm");
  block.query = finder.linear(name + ".attention.query");
  block.key = finder.linear(name + ".attention.key");
  block.value = finder.linear(name + ".attention.value");
  block.output = finder.linear(name + ".attention.output");
  block.feed_forward_norm = finder.norm(name + ".feed_forward_norm");
  if (const VmoeLayer* layer = config.moe_in(l))
    block.feed_forward = find_moe(finder, name + ".moe", *layer);
  else
    block.feed_forward = finder.ffn(name);
  return block;
}

}  // namespace

VisionModel load_vision(Checkpoint checkpoint) {
  VisionModel model;
  model.source = std::make_shared<const Checkpoint>(std::move(checkpoint));
  const Checkpoint& tensors = *model.source;
  check_vmoe(tensors);
  model.config = vmoe_config(tensors);
  const EncoderFinder finder([&](const std::string& name) { return tensors.tensor(name); });
  model.patch = finder.linear("embeddings.patch");
  model.class_token = finder.find("embeddings.class_token");
  model.position = finder.find("embeddings.position");
  for (std::int64_t l = 0; l < model.config.num_hidden_layers; ++l)
    model.blocks.push_back(find_block(finder, l, model.config));
  model.norm = finder.norm("encoder.norm");
  model.classifier = finder.linear("classifier");
  return model;
}

}  // namespace espalier::infer
