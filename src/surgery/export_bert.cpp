#include "surgery/export_bert.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "arch/table_sources.h"
#include "base/files.h"
#include "surgery/dense_encoder.h"

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

BertExport made_of(const arch::DescribedModel& of) {
  BertExport made;
  const bool classifies = of.tensors.has(arch::Group::kClassifier);
  made.architecture = classifies && of.tensors.has(arch::Group::kPooler) ? "BertForSequenceClassification"
                      : classifies                                       ? "BertForTokenClassification"
                      : of.tensors.has(arch::Group::kMaskedWords)        ? "BertForMaskedLM"
                                                                         : "BertModel";
  for (const arch::ExpectedTensor& tensor : arch::expected_tensors(of.spec))
    if (is_written(tensor.group, of.tensors))
      made.parameters += static_cast<std::uint64_t>(tensor.elements());
  return made;
}

}  // namespace

BertExport describe_bert(const Checkpoint& model) {
  return made_of(describe_dense_encoder(model));
}

BertExport export_bert(const Checkpoint& model, const std::filesystem::path& folder, Dtype dtype) {
  const arch::DescribedModel of = describe_dense_encoder(model);
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
