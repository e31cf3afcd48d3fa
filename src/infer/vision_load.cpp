#include "infer/encoder_weights.h"
#include "infer/vision.h"

namespace espalier::infer {

VisionModel load_vision(Checkpoint checkpoint) {
  using arch::Role;
  VisionModel model;
  model.source = std::make_shared<const Checkpoint>(std::move(checkpoint));
  const Checkpoint& source = *model.source;
  const arch::DescribedModel described = arch::describe_to_run(source, arch::ModelKind::kVision);
  model.spec = described.spec;
  model.patch = load_pair<StoredLinear>(source, described, Role::kPatch);
  model.class_token = load_weight(source, described, Role::kClassToken);
  model.position = load_weight(source, described, Role::kPositionEmbedding);
  model.blocks = load_blocks(source, described);
  model.norm = load_pair<StoredNorm>(source, described, Role::kFinalNorm);
  model.classifier = load_pair<StoredLinear>(source, described, Role::kClassifier);
  return model;
}

}  // namespace espalier::infer
