#pragma once

#include <cstdint>
#include <filesystem>

#include "data/token_sequences.h"
#include "infer/decoder.h"
#include "infer/encoder.h"

namespace espalier {

/// Runs the model on each sequence by itself and writes a safetensors file, float32: `seq0.logits` [T, V] of
/// every position. Ids are below the vocabulary's size. Holds one sequence's logits in memory. Returns the
/// number of tensors.
std::int64_t write_sequence_outputs(const infer::DecoderModel& model, const TokenSequences& sequences,
                                    const std::filesystem::path& file);

/// The same of an encoder: `seq0.hidden` [T, D], the last block's output; with a masked-language-model head
/// `seq0.logits` [T, V]; with a classifier `seq0.scores` [labels].
std::int64_t write_sequence_outputs(const infer::EncoderModel& model, const TokenSequences& sequences,
                                    const std::filesystem::path& file);

}  // namespace espalier
