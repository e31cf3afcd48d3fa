#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arch/family.h"
#include "base/json.h"

namespace espalier::arch {

/// Fields by which families, and versions of a library, call E and K.
extern const std::span<const std::string_view> kExpertFields, kTopKFields;

/// The names of a family as this config.json has them: where the family's own field for E or K is not there,
/// one of the others may be. `described`: the part that describes the model.
ConfigNames resolved(const ConfigNames& names, const nlohmann::json& described);
/// The object that describes the language model, nullptr where it is not there.
nlohmann::json* described_part(nlohmann::json& config, std::string_view nested);
/// Of that one, the object with E and K.
nlohmann::json* counts_part(nlohmann::json& described, const ConfigNames& names);

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
  const ConfigNames& names() const { return names_; }
  JsonObject& whole() { return whole_; }    ///< the file
  JsonObject& fields() { return fields_; }  ///< where the model is described: the file, or its text_config
  const nlohmann::json& json() const { return json_; }  ///< that part
  std::string_view source() const { return source_; }

  std::int64_t width(std::string_view key) { return one_for_all(key, {1, kWidest}); }
  /// A number; or a list of one for each block, all the same.
  std::int64_t one_for_all(std::string_view key, IntegerRange range) {
    return one_for_all(fields_, key, range);
  }
  /// The first of some fields that is there; of none, an error that names the first.
  std::string_view first_of(std::initializer_list<std::string_view> keys);
  std::int64_t layers() { return fields_.integer(names_.layers, {1, kMostLayers}); }
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
  void expect_nested_agrees();
  static std::int64_t one_for_all(JsonObject& fields, std::string_view key, IntegerRange range);

  const Family& family_;
  std::string source_;
  JsonObject whole_, fields_;
  nlohmann::json json_;
  ConfigNames names_;
  JsonObject counts_;  // where E and K are
};

/// Every block's count fits its groups, and a token can reach K experts.
void check_routing(ConfigFields& config, const ModelSpec& spec);

}  // namespace espalier::arch
