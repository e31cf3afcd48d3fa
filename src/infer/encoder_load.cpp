#include <utility>

#include "infer/encoder.h"
#include "infer/encoder_weights.h"

namespace espalier::infer {

EncoderModel load_encoder(Checkpoint checkpoint) {
  using arch::Role;
  EncoderModel model;
  model.source = std::make_shared<const Checkpoint>(std::move(checkpoint));
  const Checkpoint& source = *model.source;
  const arch::DescribedModel described = arch::describe_to_run(source, arch::ModelKind::kEncoder);
  model.spec = described.spec;
  model.word = load_weight(source, described, Role::kTokenEmbedding);
  model.position = load_weight(source, described, Role::kPositionEmbedding);
  model.token_type = load_weight(source, described, Role::kTypeEmbedding);
  model.embedding_norm = load_pair<StoredNorm>(source, described, Role::kEmbeddingNorm);
  model.blocks = load_blocks(source, described);
  if (described.tensors.has(arch::Group::kPooler))
    model.pooler = load_pair<StoredLinear>(source, described, Role::kPooler);
  if (described.tensors.has(arch::Group::kMaskedWords))
    model.masked_words = {load_pair<StoredLinear>(source, described, Role::kMaskedWordTransform),
                          load_pair<StoredNorm>(source, described, Role::kMaskedWordNorm),
                          load_weight(source, described, Role::kMaskedWordOutput, arch::Part::kBias)};
  if (described.tensors.has(arch::Group::kClassifier))
    model.classifier = load_pair<StoredLinear>(source, described, Role::kClassifier);
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
