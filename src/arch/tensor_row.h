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
  kMixerOutput,
  kFeedForwardNorm,
  kGate,  // of a block without experts
  kUp,
  kDown,
  kRouter,
  kNovices,  // constants in the place of experts that are gone
  kExpertGate,
  kExpertUp,
  kExpertDown,
  kSharedGate,
  kSharedUp,
  kSharedDown,
  kSharedScore,  // the shared expert counts times its sigmoid
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
  kStacked,           ///< [E, out, in] of all experts
  kStackedFirst,      ///< [E, 2 out, in], the first half of an expert's rows
  kStackedSecond,     ///< the second half
  kTransposed,        ///< [E, in, out]
  kTransposedFirst,   ///< [E, in, 2 out], the first half of an expert's columns
  kTransposedSecond,  ///< the second half
  kInterleavedFirst,  ///< [E, in, 2 out], the columns 0, 2, ..
  kInterleavedSecond  ///< the columns 1, 3, ..
};

/// Of an encoder-decoder, whose tensor it is.
enum class Stack { kOnly, kEncoder, kDecoder };

/// A role's tensor. Several rows of one role are ways in which it is stored, the published one first. In
/// names {M} is the family's module prefix, {L} the block, {e} the expert.
struct TensorRow {
  Role role;
  Part part;
  std::string_view name;  // in safetensors files
  Storage storage = Storage::kOwn;
  Stack stack = Stack::kOnly;
};

/// `to` may stand in a name for `from`.
struct NameAlias {
  std::string_view from, to;
};

/// Decoders named as LLaMA and its followers are: `model.layers.L.self_attn.q_proj.weight`, experts
/// `mlp.experts.e.gate_proj.weight`, or stacked `mlp.experts.gate_up_proj` as libraries hold them.
extern const std::span<const TensorRow> kUsualDecoderRows;
/// Mixtral's names of experts: `block_sparse_moe.experts.e.w1.weight`.
extern const std::span<const TensorRow> kBlockSparseRows;

}  // namespace espalier::arch
