#include <fmt/format.h>

#include "arch/bert_parts.h"
#include "base/error.h"

namespace espalier::arch {
namespace {

ModelSpec read(ConfigFields& config) {
  if (config.fields().has("moe_layers"))
    config.fields().fail("moe_layers", "a plain \"bert\" has no MoE layers",
                         "set model_type to \"espalier_bert_moe\"");
  return read_bert(config);
}

nlohmann::json write(const ModelSpec& spec, const nlohmann::json& fields) {
  if (const auto layers = moe_layers(spec); !layers.empty())
    throw InternalError(fmt::format("a plain bert with {} MoE layers", layers.size()));
  nlohmann::json out = write_bert(spec, fields);
  for (const auto field : kBertMoeFields) out.erase(std::string(field));  // of the model it was pruned from
  return out;
}

}  // namespace

Family bert() {
  Family family = bert_family("bert", "BERT encoder");
  family.read = read;
  family.write = write;
  return family;
}

}  // namespace espalier::arch
