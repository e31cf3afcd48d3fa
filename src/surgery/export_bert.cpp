#include "surgery/export_bert.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "arch/described_model.h"
#include "arch/table_sources.h"
#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

/// A head for masked words does not go beside a classifier.
bool is_written(arch::Group group, const arch::BoundTensors& tensors) {
  if (group == arch::Group::kMaskedWords && tensors.has(arch::Group::kClassifier)) return false;
  return tensors.has(group);
}

arch::RoleValues values_of(const Checkpoint& model, const arch::WeightPlace& place,
                           const arch::TensorKey& key) {
  return {key, [&model, name = place.weight](std::span<float> to) {
            const formats::Weight weight = model.weight(name);
            weight.decode_rows(0, weight.rows, to.data());
          }};
}

arch::DescribedModel described(const Checkpoint& model) {
  arch::DescribedModel described = arch::describe_to_run(model, arch::ModelKind::kEncoder);
  std::vector<std::string> layers;
  for (const std::int64_t layer : arch::moe_layers(described.spec))
    layers.push_back(fmt::format("layer {} has {} experts", layer,
                                 described.spec.blocks[static_cast<std::size_t>(layer)].experts()));
  if (layers.empty()) return described;
  throw UserError(fmt::format("{}: {}; an ordinary BERT holds one FFN per layer and no router",
                              model.folder().string(), fmt::join(layers, ", ")),
                  "prune it to one expert per layer first, e.g. with espalier finetune --prune eager");
}

/// As the model without experts that it is.
arch::DescribedModel dense(const Checkpoint& model) {
  arch::DescribedModel of = described(model);
  of.spec.family = arch::family_named(of.spec.family).can.without_experts;
  return of;
}

BertExport made_of(const arch::DescribedModel& of) {
  BertExport made;
  made.architecture = of.tensors.has(arch::Group::kClassifier)    ? "BertForSequenceClassification"
                      : of.tensors.has(arch::Group::kMaskedWords) ? "BertForMaskedLM"
                                                                  : "BertModel";
  for (const arch::ExpectedTensor& tensor : arch::expected_tensors(of.spec))
    if (is_written(tensor.group, of.tensors))
      made.parameters += static_cast<std::uint64_t>(tensor.elements());
  return made;
}

}  // namespace

BertExport describe_bert(const Checkpoint& model) {
  return made_of(dense(model));
}

BertExport export_bert(const Checkpoint& model, const std::filesystem::path& folder, Dtype dtype) {
  const arch::DescribedModel of = dense(model);
  const BertExport made = made_of(of);
  std::vector<arch::RoleValues> values;
  for (const arch::ExpectedTensor& tensor : arch::expected_tensors(of.spec))
    if (is_written(tensor.group, of.tensors))
      values.push_back(values_of(model, of.tensors.at(tensor.key), tensor.key));
  write_safetensors(folder / "model.safetensors", arch::table_sources(of.spec, std::move(values), dtype),
                    {{"format", "pt"}});
  nlohmann::json fields = arch::write_spec(of.spec, model.config());
  fields["architectures"] = {made.architecture};
  fields["torch_dtype"] = torch_name(dtype);
  write_file(folder / "config.json", fields.dump(2) + "\n");
  return made;
}

}  // namespace espalier
