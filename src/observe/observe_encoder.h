#pragma once

#include "infer/encoder.h"
#include "observe/observe.h"

namespace espalier {

/// Statistics of an encoder's experts over rows of tokens, in batches: what `LayerObserver` counts and, where
/// `options.similarity` asks, what all experts make of every token. Nothing of a token's text is kept, and
/// nothing is saved before the end. Throws UserError for rows that do not fit the model, a model without
/// experts, outputs that are not finite, Interrupted after Ctrl-C.
Observations observe_encoder(const infer::EncoderModel& model, const ObservedRows& rows,
                             const ObserveOptions& options);

}  // namespace espalier
