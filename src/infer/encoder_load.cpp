#include <fmt/format.h>

#include <utility>

#include "arch/bert_tensors.h"
#include "infer/encoder.h"
#include "infer/encoder_finder.h"

namespace espalier::infer {
namespace {

EncoderBlock find_block(const EncoderFinder& finder, std::int64_t l, const BertMoeConfig& config) {
  const auto name = fmt::format("bert.encoder.layer.{}", l);
  EncoderBlock block;
  block.query = finder.linear(name + ".attention.self.query");
  block.key = finder.linear(name + ".attention.self.key");
  block.value = finder.linear(name + ".attention.self.value");
  block.output = finder.linear(name + ".attention.output.dense");
  block.attention_norm = finder.norm(name + ".attention.output.LayerNorm");
  if (config.is_moe(l)) {
    EncoderMoe moe;
    moe.router = finder.find(name + ".moe.router.weight");
    moe.experts = finder.experts(name + ".moe", config.experts_in(l));
    block.feed_forward = std::move(moe);
  } else {
    block.feed_forward = finder.ffn(name);
  }
  block.feed_forward_norm = finder.norm(name + ".output.LayerNorm");
  return block;
}

}  // namespace

EncoderModel load_encoder(Checkpoint checkpoint) {
  EncoderModel model;
  model.source = std::make_shared<const Checkpoint>(std::move(checkpoint));
  model.config = parse_bert_config(model.source->config(), (model.source->folder() / "config.json").string());
  const auto parts = check_tensors(*model.source, model.config);
  const Checkpoint& tensors = *model.source;
  const EncoderFinder finder([&](const std::string& name) { return bert_tensor(tensors, name); });
  model.word = finder.find("bert.embeddings.word_embeddings.weight");
  model.position = finder.find("bert.embeddings.position_embeddings.weight");
  model.token_type = finder.find("bert.embeddings.token_type_embeddings.weight");
  model.embedding_norm = finder.norm("bert.embeddings.LayerNorm");
  for (std::int64_t l = 0; l < model.config.num_hidden_layers; ++l)
    model.blocks.push_back(find_block(finder, l, model.config));
  if (parts.pooler) model.pooler = finder.linear("bert.pooler.dense");
  if (parts.masked_language_head)
    model.masked_words = {finder.linear("cls.predictions.transform.dense"),
                          finder.norm("cls.predictions.transform.LayerNorm"),
                          finder.find("cls.predictions.bias")};
  if (parts.classifier) model.classifier = finder.linear("classifier");
  return model;
}

std::int64_t parameter_count(const EncoderModel& model) {
  std::int64_t count = 0;
  const auto add = [&](const StoredWeight& weight) { count += weight.elements(); };
  const auto add_pair = [&](const auto& pair) {
    add(pair.weight);
    add(pair.bias);
  };
  for (const StoredWeight* table : {&model.word, &model.position, &model.token_type}) add(*table);
  add_pair(model.embedding_norm);
  for (EncoderBlock block : model.blocks) for_each_weight(block, add);
  if (model.pooler) add_pair(*model.pooler);
  if (model.classifier) add_pair(*model.classifier);
  if (!model.masked_words) return count;
  add_pair(model.masked_words->transform);
  add_pair(model.masked_words->norm);
  add(model.masked_words->bias);
  return count;
}

}  // namespace espalier::infer
