#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "arch/spec.h"
#include "arch/tensor_row.h"

namespace espalier::arch {

class ConfigFields;

/// How a family's config.json calls what pruning changes, and what every model has. Where E or K is not
/// there, it may have the name that another version of a library gives it (`resolved` in config_fields.h).
struct ConfigNames {
  std::string_view experts = "num_experts";                    // E
  std::string_view experts_per_token = "num_experts_per_tok";  // K; empty: always 1
  /// The object that describes the language model ("text_config"); empty: the file. Objects in objects:
  /// "thinker_config.text_config".
  std::string_view nested = {};
  std::string_view nested_type = {};  // the model_type that it must have; empty: any
  std::string_view experts_in = {};   // the object of that one with E and K ("ffn_config")
  std::string_view groups = "n_group", top_groups = "topk_group";
  std::string_view layers = "num_hidden_layers", width = "hidden_size", heads = "num_attention_heads";
  std::string_view next_token_layers = "num_nextn_predict_layers";
};

/// Where next-token layers are that stand beside the blocks and not after the last of them.
struct NextTokenNames {
  std::string_view module;  // "mtp.": of all of them; empty: in the stack of blocks
  std::string_view stack;   // "mtp.layers.": before the number, counted from 0; then names as in a block
};

/// What a family can express, and what running it would take.
struct Capabilities {
  /// Layers may have different counts of experts: our own formats. Others get a list on request, which stock
  /// programs do not read.
  bool count_may_be_list = false;
  /// Router rows stay where experts went; tokens that are sent there get zero, or a constant.
  bool keeps_router_rows = false;
  /// A layer with one expert is a plain feed-forward network, without a router.
  bool lone_expert_is_dense = false;
  /// The model type of a model that has no experts left; empty: the same.
  std::string_view without_experts = {};
  /// The model type by which other programs know a model with one expert in every layer; empty: by none.
  std::string_view one_expert_exports_as = {};
  /// Empty: the model runs. Else what it computes that nothing here does: its files are inspected and pruned.
  std::string_view missing = {};
  /// Why no expert can be removed; empty: they can.
  std::string_view keeps_all_experts = {};
};

/// A family under another `model_type`: renamed, or as the language model of a larger one.
struct Variant {
  std::string_view model_type, title;
  std::string_view modules = {}, nested = {}, nested_type = {};  // empty: as the family's
  std::string_view missing = {};  // what it takes beyond the family; see Capabilities
};

/// An architecture: everything that is particular to one `model_type`. One file of `families/` each.
struct Family {
  std::string_view model_type;
  std::string_view title;
  ModelSpec (*read)(ConfigFields& config) = nullptr;
  /// `fields` with what `spec` says; reading the result gives `spec` back.
  nlohmann::json (*write)(const ModelSpec& spec, const nlohmann::json& fields) = nullptr;
  std::span<const TensorRow> usual;        // the tensor table ..
  std::span<const TensorRow> style;        // .. rows that a role has instead in this and other families ..
  std::span<const TensorRow> rows;         // .. and those that it has here
  std::string_view modules = "model.";     // what {M} stands for in names
  std::string_view feed_forward = "mlp.";  // and {F}
  std::span<const NameAlias> aliases;      // other spellings of names
  ConfigNames config;
  Capabilities can;
  NextTokenNames next_token;
  std::span<const Variant> variants;
  std::string_view formats = "bf16";  // of published weights, for people
};

/// Every family under each of its model types, in the order of the documentation.
std::span<const Family> families();

/// The family of a config.json. Throws UserError listing the known model types.
const Family& family_of(const nlohmann::json& config, std::string_view source);
/// Of a model type that is in the table; anything else is an InternalError.
const Family& family_named(std::string_view model_type);

/// config.json as a value: the one parser. Throws UserError naming `source`, the field, what was found and
/// what was expected.
ModelSpec read_spec(const nlohmann::json& config, std::string_view source);
/// config.json after `spec` has changed; `fields`, what it was read from, keeps all else.
nlohmann::json write_spec(const ModelSpec& spec, const nlohmann::json& fields);

/// Throws UserError saying what is missing, where the family can be pruned but not run.
void expect_runs(const ModelSpec& spec, std::string_view source);

}  // namespace espalier::arch
