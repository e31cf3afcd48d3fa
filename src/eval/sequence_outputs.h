#pragma once

#include <cstdint>
#include <filesystem>

#include "data/token_sequences.h"
#include "model/bert.h"

namespace espalier {

/// Runs the model on each sequence by itself, in evaluation mode, and writes a safetensors file, float32:
/// `seq0.hidden` [T, D], the last block's output; with a masked-language-model head `seq0.logits` [T, V];
/// with a classifier `seq0.scores` [labels]. Ids are below the vocabulary's size. Holds one sequence's
/// outputs in memory. Returns the number of tensors.
std::int64_t write_sequence_outputs(const BertModel& model, const TokenSequences& sequences, Backend backend,
                                    const std::filesystem::path& file);

}  // namespace espalier
