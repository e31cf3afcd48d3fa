#include "surgery/export_bert.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "arch/bert_config.h"
#include "arch/bert_tensors.h"
#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

BertMoeConfig config_of(const Checkpoint& model) {
  return parse_bert_config(model.config(), (model.folder() / "config.json").string());
}

bool is_written(const ExpectedTensor& tensor, const BertParts& parts) {
  switch (tensor.part) {
    case BertPart::kPooler:
      return parts.pooler;
    case BertPart::kMaskedLanguageHead:
      return parts.masked_language_head && !parts.classifier;
    case BertPart::kClassifier:
      return parts.classifier;
    default:
      return true;
  }
}

TensorSource converted(const Checkpoint& model, const ExpectedTensor& tensor, Dtype dtype) {
  return {tensor.name, dtype, tensor.shape, [&model, name = tensor.name, dtype](std::span<std::byte> to) {
            const TensorView view = bert_tensor(model, name);
            if (view.dtype == dtype) {
              std::copy(view.bytes.begin(), view.bytes.end(), to.begin());
              return;
            }
            std::vector<float> values(static_cast<std::size_t>(view.elements()));
            to_float32(view.dtype, view.bytes, values);
            from_float32(dtype, values, to);
          }};
}

}  // namespace

void check_exports_as_bert(const Checkpoint& model) {
  const BertMoeConfig config = config_of(model);
  check_tensors(model, config);
  if (config.moe_layers.empty()) return;
  std::vector<std::string> layers;
  for (std::size_t i = 0; i < config.moe_layers.size(); ++i)
    layers.push_back(fmt::format("layer {} has {} experts", config.moe_layers[i], config.num_experts[i]));
  throw UserError(fmt::format("{}: {}; an ordinary BERT holds one FFN per layer and no router",
                              model.folder().string(), fmt::join(layers, ", ")),
                  "prune it to one expert per layer first, e.g. with espalier finetune --prune eager");
}

BertExport export_bert(const Checkpoint& model, const std::filesystem::path& folder, Dtype dtype) {
  check_exports_as_bert(model);
  BertMoeConfig config = config_of(model);
  const BertParts parts = check_tensors(model, config);
  BertExport made;
  made.architecture = parts.classifier             ? "BertForSequenceClassification"
                      : parts.masked_language_head ? "BertForMaskedLM"
                                                   : "BertModel";
  std::vector<TensorSource> tensors;
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    if (!is_written(tensor, parts)) continue;
    made.parameters += static_cast<std::uint64_t>(tensor.elements());
    tensors.push_back(converted(model, tensor, dtype));
  }
  write_safetensors(folder / "model.safetensors", std::move(tensors), {{"format", "pt"}});
  config.fields["architectures"] = {made.architecture};
  auto fields = to_json(config);
  fields["torch_dtype"] = torch_name(dtype);
  write_file(folder / "config.json", fields.dump(2) + "\n");
  return made;
}

}  // namespace espalier
