#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/family.h"

namespace espalier::arch {

/// The block a name belongs to: "model.layers.3.mlp.gate.weight" is of block 3 of the stack "model.layers.".
struct BlockName {
  std::string_view stack;
  std::int64_t block = 0;  // within its stack
  Stack of = Stack::kOnly;
  bool next_token = false;  // of a stack of next-token layers, counted from 0
  std::string_view rest;    // "mlp.gate.weight"
};

enum class MoePart {
  kExpert,   ///< of one expert: whatever is under its number belongs to it (weights, scales, zero points, ..)
  kStacked,  ///< of all experts of a layer, along axis 0
  kRouter,   ///< an entry for each expert, on axis 0 or `MoeName::axis`: weight, bias, correction bias
  kTokenExperts,  ///< experts of tokens, by number
  kOtherExperts   ///< of experts of another kind
};

/// A name of a MoE layer.
struct MoeName {
  BlockName block;
  MoePart part = MoePart::kRouter;
  std::int64_t expert = 0;                        ///< kExpert: N
  std::size_t number_begin = 0, number_size = 0;  ///< kExpert: where N is in the name
  std::string_view role;                          ///< kExpert: what follows the number, "w1.weight"
  std::size_t axis = 0;                           ///< kRouter: of the experts
  bool flat = false;                              ///< kStacked: each expert has a share of axis 0
};

/// Names of a family's tensors and modules, read by the templates of its table: what stands under an expert's
/// number is that expert's, what stands beside a stacked or a router's tensor goes with it. So scales, zero
/// points and packed integers need no rows of their own.
class TensorNames {
 public:
  explicit TensorNames(const Family& family);

  /// nullopt for names outside the blocks.
  std::optional<BlockName> block(std::string_view name) const;
  /// Whatever belongs to next-token layers that are not in the stack of blocks, norms and projections too.
  bool is_of_next_token_module(std::string_view name) const;
  /// nullopt for any name but those of experts and routers; shared experts are never pruned.
  std::optional<MoeName> parse(std::string_view name) const;

  /// The name that `row` gives a role's tensor. `block`: within its stack.
  std::string name(const TensorRow& row, std::int64_t block, std::int64_t expert) const;
  /// The names under which files may have it: `name`, and with the family's aliases.
  std::vector<std::string> spellings(std::string name) const;
  /// The rows of a role, the published one first.
  std::vector<const TensorRow*> rows(Role role, Part part, Stack stack) const;
  /// Where an expert's tensor stands in the table; nullopt for what only stands beside one.
  const TensorRow* row_of(const MoeName& name) const;

 private:
  struct StackPattern {
    std::string prefix;  // "model.layers."
    Stack of;
    bool next_token = false;
  };
  /// The start of names after "L.": "mlp.experts.", "mlp.gate.".
  struct ModulePattern {
    std::string prefix;
    MoePart part;
    Stack of;
    Storage storage;
  };
  void learn(const TensorRow& row);
  void learn_stack(const std::string& prefix, Stack of);
  static MoeName as(const ModulePattern& module, MoeName name, std::string_view role);

  std::vector<TensorRow> table_;
  std::string modules_, feed_forward_;
  std::vector<NameAlias> aliases_;
  std::vector<StackPattern> stacks_;
  std::vector<ModulePattern> exact_;  // whole names after "L.", before all others
  std::vector<ModulePattern> kept_;   // of no expert, likewise
  std::vector<ModulePattern> moe_;
  std::string next_token_module_, next_token_stack_;
};

/// The block's number in a whole model: after the encoder's in a decoder's stack, after all blocks in a stack
/// of next-token layers.
std::int64_t number_of(const BlockName& block, std::int64_t encoder_blocks, std::int64_t blocks);

/// A block that `spec` has no place for: after the last, and no next-token layer.
bool is_beyond_all(const BlockName& block, const ModelSpec& spec);

/// Those of a model type, made once.
const TensorNames& names_of(std::string_view model_type);

/// The same name for another expert.
std::string renumbered(std::string_view name, const MoeName& parsed, std::int64_t expert);

}  // namespace espalier::arch
