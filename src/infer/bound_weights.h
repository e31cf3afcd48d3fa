#pragma once

#include "arch/tensor_table.h"
#include "infer/stored_weight.h"

namespace espalier::infer {

/// The weight of a role as its checkpoint stores it, alone or in the middle of a stack; undefined where the
/// checkpoint has none. Throws UserError where it is stored in a format that cannot be read.
StoredWeight bound_weight(const Checkpoint& checkpoint, const arch::BoundTensors& tensors,
                          const arch::TensorKey& key);

}  // namespace espalier::infer
