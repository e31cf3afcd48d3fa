#pragma once

#include <cstdint>
#include <filesystem>

#include "data/token_sequences.h"
#include "model/decoder.h"

namespace espalier {

/// Runs the model on each sequence by itself and writes a safetensors file, float32: `seq0.logits` [T, V] of
/// every position. Ids are below the vocabulary's size. Holds one sequence's logits in memory. Returns the
/// number of tensors.
std::int64_t write_sequence_outputs(const DecoderModel& model, const TokenSequences& sequences,
                                    const std::filesystem::path& file);

}  // namespace espalier
