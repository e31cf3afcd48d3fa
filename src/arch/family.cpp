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

Topology topology_of_bert(const nlohmann::json& config, std::string_view source) {
  return bert_topology(parse_bert_config(config, source));
}

void check_bert(const Checkpoint& checkpoint) {
  const std::string source = (checkpoint.folder() / "config.json").string();
  check_tensors(checkpoint, parse_bert_config(checkpoint.config(), source));
}

constexpr std::array<Family, 2> kFamilies{{
    {kBertModelType, "BERT encoder", bert_sizes, topology_of_bert, check_bert},
    {kBertMoeModelType, "BERT encoder with MoE layers", bert_sizes, topology_of_bert, check_bert},
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
