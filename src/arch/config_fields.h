#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "arch/spec.h"
#include "base/json.h"

namespace espalier::arch {

struct Family;

// Only against nonsense and overflow: products of three of them stay below 2^63.
constexpr std::int64_t kMostLayers = 1 << 12;
constexpr std::int64_t kMostExperts = 1 << 16;
constexpr std::int64_t kWidest = 1 << 20;
constexpr std::int64_t kLargestVocabulary = 1 << 24;

/// config.json of one model, for the readers of families. All throw UserError naming the file, the field,
/// what was found and what was expected.
class ConfigFields {
 public:
  ConfigFields(const nlohmann::json& config, std::string_view source, const Family& family);

  const Family& family() const { return family_; }
  JsonObject& whole() { return whole_; }    ///< the file
  JsonObject& fields() { return fields_; }  ///< where the model is described: the file, or its text_config
  const nlohmann::json& json() const { return json_; }  ///< that part
  std::string_view source() const { return source_; }

  std::int64_t width(std::string_view key) { return fields_.integer(key, {1, kWidest}); }
  std::int64_t layers() { return fields_.integer("num_hidden_layers", {1, kMostLayers}); }
  /// The field's value, which must be one of `known`.
  std::string expect(std::string_view key, std::initializer_list<std::string_view> known,
                     std::string_view fallback);
  /// A list with an entry for each block.
  std::vector<std::string> per_block(std::string_view key, std::size_t blocks);
  /// [blocks] experts of each block, 0 where `sparse` is false, from the family's field: one number, or a
  /// list with an entry for each block, null where it is dense.
  std::vector<std::int64_t> expert_counts(const std::vector<bool>& sparse);
  /// The number that stands for all blocks; 0 where the field is a list.
  std::int64_t one_expert_count();
  /// K, from the family's field; 1 where it has none.
  std::int64_t experts_per_token();
  std::vector<std::string> labels();  ///< id2label; empty without

 private:
  const Family& family_;
  std::string source_;
  JsonObject whole_, fields_;
  nlohmann::json json_;
};

/// Every block's count fits its groups, and a token can reach K experts.
void check_routing(ConfigFields& config, const ModelSpec& spec);

}  // namespace espalier::arch
