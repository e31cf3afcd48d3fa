#include "model/bert_export.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "model/bert_checkpoint.h"

namespace espalier {
namespace {

std::string architecture_of(const BertModel& model) {
  if (model.classifier) return "BertForSequenceClassification";
  return model.mlm_head ? "BertForMaskedLM" : "BertModel";
}

}  // namespace

void check_exports_as_bert(const BertModel& model, std::string_view source) {
  const auto& config = model.config;
  if (config.moe_layers.empty()) return;
  std::vector<std::string> layers;
  for (std::size_t i = 0; i < config.moe_layers.size(); ++i)
    layers.push_back(fmt::format("layer {} has {} experts", config.moe_layers[i], config.num_experts[i]));
  throw UserError(fmt::format("{}: {}; an ordinary BERT holds one FFN per layer and no router", source,
                              fmt::join(layers, ", ")),
                  "prune it to one expert per layer first, e.g. with espalier finetune --prune eager");
}

std::string export_bert(const BertModel& model, const std::filesystem::path& folder, Dtype dtype) {
  const auto architecture = architecture_of(model);
  auto exported = model;
  if (exported.classifier) exported.mlm_head.reset();  // BertForSequenceClassification has none
  exported.config.fields["architectures"] = {architecture};
  save_bert(exported, folder, dtype);
  return architecture;
}

}  // namespace espalier
