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
  std::string_view rest;  // "mlp.gate.weight"
};

enum class MoePart {
  kExpert,   ///< of one expert: whatever is under its number belongs to it (weights, scales, zero points, ..)
  kStacked,  ///< of all experts of a layer, axis 0 = expert
  kRouter    ///< an entry on axis 0 for each expert: weight, bias, correction bias
};

/// A name of a MoE layer.
struct MoeName {
  BlockName block;
  MoePart part = MoePart::kRouter;
  std::int64_t expert = 0;                        ///< kExpert: N
  std::size_t number_begin = 0, number_size = 0;  ///< kExpert: where N is in the name
  std::string_view role;                          ///< kExpert: what follows the number, "w1.weight"
};

/// Names of a family's tensors and modules, read by the templates of its table: what stands under an expert's
/// number is that expert's, what stands beside a stacked or a router's tensor goes with it. So scales, zero
/// points and packed integers need no rows of their own.
class TensorNames {
 public:
  explicit TensorNames(const Family& family);

  /// nullopt for names outside the blocks.
  std::optional<BlockName> block(std::string_view name) const;
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
  };
  /// The start of names after "L.": "mlp.experts.", "mlp.gate.".
  struct ModulePattern {
    std::string prefix;
    MoePart part;
    Stack of;
  };
  void learn(const TensorRow& row);

  std::vector<TensorRow> table_;
  std::string modules_;
  std::vector<NameAlias> aliases_;
  std::vector<StackPattern> stacks_;
  std::vector<ModulePattern> moe_;
};

/// Those of a model type, made once.
const TensorNames& names_of(std::string_view model_type);

/// The same name for another expert.
std::string renumbered(std::string_view name, const MoeName& parsed, std::int64_t expert);

}  // namespace espalier::arch
