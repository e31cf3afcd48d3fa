#include "arch/described_model.h"

#include <fmt/format.h>

#include "base/error.h"

namespace espalier::arch {

ModelKind kind_of(const ModelSpec& spec) {
  if (std::holds_alternative<ImageInput>(spec.input)) return ModelKind::kVision;
  return spec.heads.masked_words ? ModelKind::kEncoder : ModelKind::kDecoder;
}

std::string_view kind_name(ModelKind kind) {
  if (kind == ModelKind::kVision) return "a vision model";
  return kind == ModelKind::kEncoder ? "an encoder" : "a decoder";
}

DescribedModel describe_to_run(const Checkpoint& checkpoint, ModelKind kind) {
  const std::string source = (checkpoint.folder() / "config.json").string();
  DescribedModel model = describe(checkpoint);
  const ModelKind found = kind_of(model.spec);
  if (found != kind)
    throw UserError(fmt::format("{}: model_type: found \"{}\", {}, expected {}", source, model.spec.family,
                                kind_name(found), kind_name(kind)),
                    "`espalier inspect` says what a model is; name one of the kind that is expected");
  expect_runs(model.spec, source);
  formats::expect_known(checkpoint.weights().quantization, source);
  return model;
}

ModelSpec read_spec(const Checkpoint& checkpoint) {
  return read_spec(checkpoint.config(), (checkpoint.folder() / "config.json").string());
}

DescribedModel describe(const Checkpoint& checkpoint) {
  ModelSpec spec = read_spec(checkpoint);
  Topology topology = find_topology(checkpoint, spec);
  BoundTensors tensors = bind(spec, checkpoint);
  return {std::move(spec), std::move(topology), std::move(tensors)};
}

}  // namespace espalier::arch
