#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace espalier::arch {

/// What a tensor is for. docs/formats/checkpoint.md and `roles.cpp` have the shapes.
enum class Role {
  kTokenEmbedding,
  kPositionEmbedding,
  kTypeEmbedding,
  kEmbeddingNorm,
  kPatch,
  kClassToken,
  kMixerNorm,  // kPre: before attention; kPost: after it
  kQueryDown,  // latent attention: to the low rank and up again
  kQueryDownNorm,
  kQueryUp,
  kQuery,
  kKey,
  kValue,
  kQueryNorm,
  kKeyNorm,
  kKeyValueDown,
  kKeyValueDownNorm,
  kKeyValueUp,
  kSinks,
  kOutputGate,  // of attention
  kIndexQuery,  // of an indexer of keys
  kIndexKey,
  kIndexKeyNorm,
  kIndexWeight,
  kScanInput,  // of a mixer with a state: queries, keys and values
  kScanGate,
  kScanBeta,   // how much a token corrects the state
  kScanDecay,  // how fast the state fades
  kConvolution,
  kDecayRate,
  kDecayBias,
  kSkip,  // of a mixer's input past its state
  kScanNorm,
  kScanOutput,
  kMixerOutput,
  kMixerOutputNorm,
  kFeedForwardNorm,
  kGate,  // of a block without experts
  kUp,
  kDown,
  kRouter,
  kRouterEntry,   // more of a router with an entry for each expert, under a name of its own
  kTokenExperts,  // [V, K] the experts of each token, by number: what is looked up is not routed
  kOtherExperts,  // a stack of experts of another kind (of attention), which a token visits K of too
  kKeptWhole,     // beside a router's or an expert's tensor, but without an entry for each expert
  kNovices,       // constants in the place of experts that are gone
  kExpertGate,
  kExpertUp,
  kExpertDown,
  kLatentIn,  // to the experts' width, where it is not D, and back
  kLatentOut,
  kSharedGate,
  kSharedUp,
  kSharedDown,
  kSharedScore,  // the shared expert counts times its sigmoid
  kFeedForwardOutputNorm,
  kFinalNorm,
  kHead,
  kPooler,
  kMaskedWordTransform,
  kMaskedWordNorm,
  kMaskedWordOutput,  // a bias; its matrix is the token embeddings
  kClassifier
};

enum class Part {
  kWeight,
  kBias,
  kCorrection  ///< of a router, added for choosing alone
};

/// How a role's matrix [out, in] lies in its tensor.
enum class Storage {
  kOwn,               ///< it is the tensor
  kOwnTransposed,     ///< [in, out]; of a vector: [1, n]
  kFirst,             ///< [2 out, in], the first half of the rows
  kSecond,            ///< the second half
  kFused,             ///< some rows of [.., in], which all projections of a mixer's input share
  kStacked,           ///< [E, out, in] of all experts
  kStackedFirst,      ///< [E, 2 out, in], the first half of an expert's rows
  kStackedSecond,     ///< the second half
  kStackedEvenRows,   ///< [E, 2 out, in], an expert's rows 0, 2, ..
  kStackedOddRows,    ///< the rows 1, 3, ..
  kFlat,              ///< [E out, in]
  kFlatTransposed,    ///< [E in, out]
  kTransposed,        ///< [E, in, out]
  kTransposedFirst,   ///< [E, in, 2 out], the first half of an expert's columns
  kTransposedSecond,  ///< the second half
  kInterleavedFirst,  ///< [E, in, 2 out], the columns 0, 2, ..
  kInterleavedSecond  ///< the columns 1, 3, ..
};

/// Of an encoder-decoder, whose tensor it is.
enum class Stack { kOnly, kEncoder, kDecoder };

/// A role's tensor. Several rows of one role are ways in which it is stored, the published one first. In
/// names {M} is the family's module prefix, {L} the block, {F} its feed-forward module, {e} the expert.
/// Without a name: the family has the role, in a tensor that nothing here reads.
struct TensorRow {
  Role role;
  Part part;
  std::string_view name;  // in safetensors files
  Storage storage = Storage::kOwn;
  Stack stack = Stack::kOnly;
};

/// Stored with the outputs, and so the experts of a router, on the second axis.
constexpr bool is_transposed_router(Storage storage) {
  return storage == Storage::kOwnTransposed;
}
/// Stored without an axis of experts: each has a share of the first.
constexpr bool is_flat(Storage storage) {
  return storage == Storage::kFlat || storage == Storage::kFlatTransposed;
}

/// `to` may stand in a name for `from`.
struct NameAlias {
  std::string_view from, to;
};

/// Decoders named as LLaMA and its followers are: `model.layers.L.self_attn.q_proj.weight`, experts
/// `mlp.experts.e.gate_proj.weight`, or stacked `mlp.experts.gate_up_proj` as libraries hold them.
extern const std::span<const TensorRow> kUsualDecoderRows;
/// Mixtral's names of an expert's matrices: `experts.e.w1.weight` (gate), `w3` (up), `w2` (down).
extern const std::span<const TensorRow> kW123Rows;

}  // namespace espalier::arch
