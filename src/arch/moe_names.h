#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace espalier {

/// The block a name belongs to: "model.layers.3.mlp.gate.weight" is of block 3 of the stack "model.layers.".
struct BlockName {
  std::string_view stack;
  std::int64_t block = 0;
  std::string_view rest;  ///< "mlp.gate.weight"
};

/// nullopt for names outside the blocks. Works for tensors and for modules.
std::optional<BlockName> parse_block_name(std::string_view name);

enum class MoePart {
  kExpert,   ///< of one expert: whatever is under its number belongs to it (weights, scales, zero points, ..)
  kStacked,  ///< of all experts of a layer, axis 0 = expert
  kRouter    ///< an entry on axis 0 for each expert: weight, bias, e_score_correction_bias
};

/// A name of a MoE layer, by one grammar for all families:
///
///     BLOCK.{mlp,block_sparse_moe,moe,layer.1.mlp,layer.2.mlp}. then
///       experts.N.ROLE  experts.expert_N.ROLE     kExpert
///       experts.ROLE  input_linear.ROLE  output_linear.ROLE      kStacked
///       gate.ROLE  router.ROLE                    kRouter
///
/// Shared experts and their gates (`mlp.shared_expert*`) are no part of it: they are never pruned.
struct MoeName {
  BlockName block;
  MoePart part = MoePart::kRouter;
  std::int64_t expert = 0;                        ///< kExpert: N
  std::size_t number_begin = 0, number_size = 0;  ///< kExpert: where N is in the name
  std::string_view role;  ///< "w1.weight"; kStacked and kRouter: with its module, "gate.weight"
};

/// nullopt for any other name.
std::optional<MoeName> parse_moe_name(std::string_view name);

/// The same name for another expert.
std::string renumbered(std::string_view name, const MoeName& parsed, std::int64_t expert);

}  // namespace espalier
