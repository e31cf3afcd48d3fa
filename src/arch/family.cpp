#include "arch/family.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "arch/bert_config.h"
#include "arch/bert_tensors.h"
#include "arch/language_model.h"
#include "arch/moe_families.h"
#include "arch/vmoe_tensors.h"
#include "base/error.h"
#include "base/json.h"

namespace espalier {
namespace {

ModelSizes bert_sizes(const nlohmann::json& config, std::string_view source) {
  const BertMoeConfig bert = parse_bert_config(config, source);
  return {bert.num_hidden_layers, bert.hidden_size, bert.num_attention_heads,
          bert.intermediate_size, bert.vocab_size,  bert.max_position_embeddings};
}

ModelSizes vmoe_sizes(const nlohmann::json& config, std::string_view source) {
  const VmoeConfig vmoe = parse_vmoe_config(config, source);
  return {vmoe.num_hidden_layers, vmoe.hidden_size, vmoe.num_attention_heads, vmoe.intermediate_size, 0,
          vmoe.positions()};
}

BertMoeConfig bert_config(const Checkpoint& checkpoint) {
  return parse_bert_config(checkpoint.config(), (checkpoint.folder() / "config.json").string());
}

void check_bert(const Checkpoint& checkpoint) {
  check_tensors(checkpoint, bert_config(checkpoint));
}

Topology topology_of_bert(const Checkpoint& checkpoint) {
  const BertMoeConfig config = bert_config(checkpoint);
  ExpectedExperts expected;
  expected.model_type = config.model_type;
  for (std::int64_t block = 0; block < config.num_hidden_layers; ++block)
    expected.experts.push_back(config.experts_in(block));
  expected.experts_per_token = config.num_experts_per_tok;
  expected.experts_field = "num_experts";
  return find_topology(checkpoint, expected);
}

constexpr Family kOwnFamilies[] = {
    {kBertModelType, "BERT encoder", bert_sizes, check_bert, topology_of_bert},
    {kBertMoeModelType, "BERT encoder with MoE layers", bert_sizes, check_bert, topology_of_bert},
    {kVmoeModelType, "vision transformer with MoE layers", vmoe_sizes, check_vmoe, vmoe_topology},
};

std::vector<Family> all_families() {
  std::vector<Family> all(std::begin(kOwnFamilies), std::end(kOwnFamilies));
  for (const MoeFamily& family : moe_families()) {
    all.push_back({family.model_type, family.title, language_model_sizes, check_language_model,
                   language_model_topology});
  }
  return all;
}

}  // namespace

std::span<const Family> families() {
  static const std::vector<Family> all = all_families();
  return all;
}

const Family& family_of(const nlohmann::json& config, std::string_view source) {
  JsonObject object(config, std::string(source));
  const std::string model_type = object.string("model_type");
  std::vector<std::string_view> known;
  for (const Family& family : families()) {
    if (family.model_type == model_type) return family;
    known.push_back(family.model_type);
  }
  object.fail("model_type", fmt::format("\"{}\" is not a supported architecture", model_type),
              fmt::format("known: {}; one more is a row in src/arch/moe_families.cpp (CONTRIBUTING.md)",
                          fmt::join(known, ", ")));
}

}  // namespace espalier
