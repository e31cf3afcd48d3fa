#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "arch/spec.h"
#include "arch/tensor_row.h"

namespace espalier::arch {

/// A role of one model: in which block and of which expert, -1 where there is none.
struct TensorKey {
  Role role = Role::kTokenEmbedding;
  Part part = Part::kWeight;
  std::int64_t block = -1;
  std::int64_t expert = -1;

  auto operator<=>(const TensorKey&) const = default;
};

/// What must be there together: a checkpoint has the model, and each head of an encoder whole or not at all.
enum class Group { kModel, kPooler, kMaskedWords, kClassifier };

struct ExpectedTensor {
  TensorKey key;
  std::vector<std::int64_t> shape;
  std::string_view letters;  // of the shape, see `size_word`
  Group group = Group::kModel;
  /// Of the projections of a mixer's input, where they are one (Storage::kFused): its rows, and this one's
  /// first. 0: it is not one of them.
  std::int64_t fused_rows = 0, fused_first = 0;

  std::int64_t elements() const;
};

/// Every role that a model has, in the order of the forward pass, experts one by one. Conditions and shapes
/// are those of `roles.cpp`.
std::vector<ExpectedTensor> expected_tensors(const ModelSpec& spec);

/// What a letter of a shape stands for, for messages: "vocab_size".
std::string_view size_word(char letter);

/// A role that every expert has for itself.
bool is_of_expert(Role role);

}  // namespace espalier::arch
