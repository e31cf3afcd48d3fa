#include "arch/family.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <vector>

#include "arch/bert_config.h"
#include "arch/bert_tensors.h"
#include "base/error.h"
#include "base/json.h"

namespace espalier {
namespace {

ModelSizes bert_sizes(const nlohmann::json& config, std::string_view source) {
  const BertMoeConfig bert = parse_bert_config(config, source);
  return {bert.num_hidden_layers, bert.hidden_size, bert.num_attention_heads,
          bert.intermediate_size, bert.vocab_size,  bert.max_position_embeddings};
}

BertMoeConfig bert_config(const Checkpoint& checkpoint) {
  return parse_bert_config(checkpoint.config(), (checkpoint.folder() / "config.json").string());
}

void check_bert(const Checkpoint& checkpoint) {
  check_tensors(checkpoint, bert_config(checkpoint));
}

Topology topology_of_bert(const Checkpoint& checkpoint) {
  Topology topology = bert_topology(bert_config(checkpoint));
  const auto stored = [&](std::string& name) { name = find_bert_tensor(checkpoint, name).value_or(name); };
  for (MoeLayerTensors& layer : topology.layers) {
    stored(layer.router);
    for (std::vector<std::string>& tensors : layer.expert_tensors) {
      for (std::string& name : tensors) stored(name);
    }
  }
  return topology;
}

constexpr std::array<Family, 2> kFamilies{{
    {kBertModelType, "BERT encoder", bert_sizes, check_bert, topology_of_bert},
    {kBertMoeModelType, "BERT encoder with MoE layers", bert_sizes, check_bert, topology_of_bert},
}};

}  // namespace

std::span<const Family> families() {
  return kFamilies;
}

const Family& family_of(const nlohmann::json& config, std::string_view source) {
  JsonObject object(config, std::string(source));
  const std::string model_type = object.string("model_type");
  std::vector<std::string_view> known;
  for (const Family& family : kFamilies) {
    if (family.model_type == model_type) return family;
    known.push_back(family.model_type);
  }
  object.fail("model_type", fmt::format("\"{}\" is not a supported architecture", model_type),
              fmt::format("known: {}", fmt::join(known, ", ")));
}

}  // namespace espalier
