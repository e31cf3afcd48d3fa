#pragma once

#include "arch/described_model.h"

namespace espalier {

/// An encoder without routers, as the model of its family without experts that it is. Throws UserError naming
/// the layers that still have several experts, and for what is no encoder.
arch::DescribedModel describe_dense_encoder(const Checkpoint& model);

}  // namespace espalier
