#pragma once

#include <cstdint>

#include "train/transformer.h"

namespace espalier::train {

/// What one training step works on.
struct StepShape {
  std::int64_t tokens = 0;           // N of a batch
  std::int64_t sequence_length = 0;  // T of the longest sequence
  std::int64_t predictions = 0;      // rows of logits
  std::int64_t outputs = 0;          // logits of a row: V, or labels
};

/// N of a batch of so many examples, which have `tokens_each` on average.
std::int64_t tokens_of_batch(std::int64_t batch, double tokens_each);

/// Bytes that the forward pass of a step keeps for its backward pass: float32 numbers of every block, the
/// probabilities of attention, the logits and their gradients; and a block's worth that passes through.
std::uint64_t activation_bytes(const arch::ModelSpec& spec, const StepShape& step);

/// Called before data are read: throws UserError where gradients, moments and activations, which training
/// adds to the weights, will hold more than there is.
void expect_training_memory(const Transformer& model, const StepShape& step);

}  // namespace espalier::train
