#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "arch/roles.h"
#include "train/transformer.h"

namespace espalier::train {

/// One tensor of a model and the roles of the tensor table that lie in it, one above the other; of experts,
/// [E] of that.
struct Parameter {
  std::string name;  ///< stable: seeds of new weights and training states name it
  torch::Tensor* value = nullptr;
  std::vector<arch::ExpectedTensor> parts;  ///< of one expert, its first
  std::int64_t experts = 0;                 ///< 0: not stacked
  bool trained = true;                      ///< by gradients

  std::vector<std::int64_t> shape() const;
};

/// The name under which a model of the spec has a role's tensor in its files.
std::string stored_name(const arch::ModelSpec& spec, const arch::TensorKey& key);

/// Every tensor that the model's spec asks for, in the order of `visit_parameters`. `value` points into the
/// model, whose blocks are made to fit.
std::vector<Parameter> parameters(Transformer& model);

/// A text encoder, with a head of masked words or without.
bool is_encoder(const arch::ModelSpec& spec);

/// Throws UserError where a model of this spec, with so many bytes for each of its numbers, takes more memory
/// than there is. Allocates nothing.
void expect_room(Transformer& model, std::uint64_t bytes_per_number, const std::string& source);

/// Calls `visit` with each role of a parameter and its part of `value`.
void for_each_part(const Parameter& parameter, const torch::Tensor& value,
                   const std::function<void(const arch::TensorKey& key, torch::Tensor part)>& visit);

}  // namespace espalier::train
