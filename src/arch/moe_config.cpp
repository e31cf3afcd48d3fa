#include "arch/moe_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "arch/moe_families.h"
#include "base/error.h"
#include "base/json.h"

namespace espalier {
namespace {

constexpr IntegerRange kBlocks{1, 100'000};
constexpr IntegerRange kExpertCount{1, 65'536};
constexpr IntegerRange kNoneOrMore{0, 100'000};

using Blocks = std::vector<bool>;  // [blocks] whether it carries experts

Blocks after_dense_blocks(JsonObject& object, std::int64_t blocks) {
  const std::int64_t first = object.integer("first_k_dense_replace", kNoneOrMore, 0);
  const std::int64_t every = object.integer("moe_layer_freq", kBlocks, 1);
  Blocks sparse;
  for (std::int64_t block = 0; block < blocks; ++block)
    sparse.push_back(block >= first && block % every == 0);
  return sparse;
}

Blocks sparse_step(JsonObject& object, std::int64_t blocks) {
  const std::int64_t step = object.integer("decoder_sparse_step", kBlocks, 1);
  std::vector<std::int64_t> dense;
  if (object.has("mlp_only_layers")) dense = object.integers("mlp_only_layers", kNoneOrMore);
  Blocks sparse;
  for (std::int64_t block = 0; block < blocks; ++block) {
    const bool listed = std::find(dense.begin(), dense.end(), block) != dense.end();
    sparse.push_back(!listed && (block + 1) % step == 0);
  }
  return sparse;
}

/// Every `step`-th block of one stack, the second first.
void append_stack(Blocks& sparse, std::int64_t blocks, std::int64_t sparse_blocks) {
  const std::int64_t step = sparse_blocks == 0 ? blocks : std::max<std::int64_t>(1, blocks / sparse_blocks);
  for (std::int64_t block = 0; block < blocks; ++block)
    sparse.push_back(sparse_blocks > 0 && (step == 1 || block % step == 1));
}

Blocks encoder_decoder(JsonObject& object, MoeConfig& result) {
  result.encoder_blocks = object.integer("num_layers", kBlocks);
  const std::int64_t decoder = object.integer("num_decoder_layers", kBlocks, result.encoder_blocks);
  Blocks sparse;
  append_stack(sparse, result.encoder_blocks, object.integer("num_sparse_encoder_layers", kNoneOrMore));
  append_stack(sparse, decoder, object.integer("num_sparse_decoder_layers", kNoneOrMore));
  return sparse;
}

Blocks sparse_blocks(JsonObject& object, const MoeFamily& family, MoeConfig& result) {
  if (family.pattern == MoePattern::kEncoderDecoder) return encoder_decoder(object, result);
  const std::int64_t blocks = object.integer("num_hidden_layers", kBlocks);
  switch (family.pattern) {
    case MoePattern::kAfterDenseBlocks:
      return after_dense_blocks(object, blocks);
    case MoePattern::kSparseStep:
      return sparse_step(object, blocks);
    default:
      return Blocks(static_cast<std::size_t>(blocks), true);
  }
}

/// The entry of a list of counts for one block.
std::int64_t listed_count(JsonObject& object, std::string_view field, const nlohmann::json& entry,
                          std::size_t block, bool sparse) {
  const std::string place = fmt::format("{}[{}]", field, block);
  if (!sparse) {
    if (!entry.is_null())
      object.fail(place, fmt::format("found {}, expected null: block {} is dense", entry.dump(), block));
    return 0;
  }
  if (!entry.is_number_unsigned() || entry.get<std::uint64_t>() < 1 ||
      entry.get<std::uint64_t>() > static_cast<std::uint64_t>(kExpertCount.max)) {
    object.fail(place, fmt::format("found {}, expected a number of experts from 1 to {}",
                                   entry.is_structured() ? "no number" : entry.dump(), kExpertCount.max));
  }
  return static_cast<std::int64_t>(entry.get<std::uint64_t>());
}

void read_counts(JsonObject& object, std::string_view field, const Blocks& sparse, MoeConfig& result) {
  const nlohmann::json& value = object.value(field);
  if (!value.is_array()) {
    result.next_token_experts = object.integer(field, kExpertCount);
    for (const bool is_sparse : sparse) result.experts.push_back(is_sparse ? result.next_token_experts : 0);
    return;
  }
  if (value.size() != sparse.size()) {
    object.fail(field, fmt::format("the list has {} entries, expected one for each of the {} blocks",
                                   value.size(), sparse.size()));
  }
  for (std::size_t block = 0; block < sparse.size(); ++block)
    result.experts.push_back(listed_count(object, field, value[block], block, sparse[block]));
}

void read_groups(JsonObject& object, MoeGroups groups, MoeConfig& result) {
  if (groups == MoeGroups::kNone) return;
  if (groups == MoeGroups::kByMethod && object.string("topk_method", "greedy") != "group_limited_greedy")
    return;
  result.groups = object.integer("n_group", kExpertCount, 1);
  result.top_groups = object.integer("topk_group", kExpertCount, 1);
  if (result.top_groups > result.groups) {
    object.fail("topk_group",
                fmt::format("found {}, but there are {} groups (n_group)", result.top_groups, result.groups));
  }
}

/// One block's count against groups and K.
void check_count(const JsonObject& object, const MoeFamily& family, const MoeConfig& moe,
                 std::int64_t block) {
  const std::int64_t experts = moe.experts[static_cast<std::size_t>(block)];
  if (experts == 0) return;
  if (experts % moe.groups != 0) {
    object.fail("n_group", fmt::format("{} groups do not divide the {} experts of block {}", moe.groups,
                                       experts, block));
  }
  const std::int64_t reachable = experts / moe.groups * moe.top_groups;
  if (moe.experts_per_token > reachable) {
    object.fail(family.experts_per_token_field,
                fmt::format("{} experts per token, but a token can reach {} in block {}",
                            moe.experts_per_token, reachable, block));
  }
}

}  // namespace

MoeConfig parse_moe_config(const nlohmann::json& config, std::string_view source) {
  JsonObject object(config, std::string(source));
  const std::string model_type = object.string("model_type");
  const MoeFamily* family = find_moe_family(model_type);
  if (family == nullptr) throw InternalError(fmt::format("{} is in no table", model_type));
  MoeConfig result;
  const Blocks sparse = sparse_blocks(object, *family, result);
  read_counts(object, family->experts_field, sparse, result);
  if (!family->experts_per_token_field.empty())
    result.experts_per_token = object.integer(family->experts_per_token_field, kExpertCount);
  read_groups(object, family->groups, result);
  if (family->tail == MoeTail::kNextTokenLayers)
    result.next_token_layers = object.integer("num_nextn_predict_layers", {0, 64}, 0);
  for (std::size_t block = 0; block < result.experts.size(); ++block)
    check_count(object, *family, result, static_cast<std::int64_t>(block));
  return result;
}

}  // namespace espalier
