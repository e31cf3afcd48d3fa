#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "arch/spec.h"
#include "checkpoint/checkpoint.h"
#include "infer/encoder_block.h"

namespace espalier::infer {

/// A BERT-shaped encoder in which some blocks carry a MoE layer in the FFN's place; the dense model is the
/// same without. Its weights are float32: those of the file where they are that already, else widened when
/// it is loaded.
struct EncoderModel {
  arch::ModelSpec spec;
  StoredWeight word;        // [V, D]
  StoredWeight position;    // [longest sequence, D]
  StoredWeight token_type;  // [types, D]
  StoredNorm embedding_norm;
  std::vector<EncoderBlock> blocks;
  std::optional<StoredLinear> pooler;  // [D, D], tanh, on the first token

  /// Masked-language-model head; its decoder is the word embedding.
  struct MaskedWordHead {
    StoredLinear transform;  // [D, D]
    StoredNorm norm;
    StoredWeight bias;  // [V]
  };
  std::optional<MaskedWordHead> masked_words;
  std::optional<StoredLinear> classifier;  // [labels, D]; one label: regression
  std::shared_ptr<const Checkpoint> source;

  std::int64_t width() const { return spec.width; }                   // D
  std::int64_t vocabulary() const { return spec.text().vocabulary; }  // V
};

/// The model that a `bert` or `espalier_bert_moe` checkpoint holds, heads only where the file has them. Names
/// may lack the prefix `bert.`. Throws UserError naming missing or mis-shaped tensors.
EncoderModel load_encoder(Checkpoint checkpoint);

/// Parameters in all, elements.
std::int64_t parameter_count(const EncoderModel& model);

/// N tokens of B packed sequences.
struct EncoderTokens {
  std::span<const std::int64_t> ids;    // [N]
  std::span<const std::int64_t> types;  // [N]; empty: all 0
  const SequenceLayout& layout;
};

/// The last block's output [N, D]; `tap(block)` watches an MoE layer and may be empty. Throws UserError for
/// sequences longer than the position table and ids outside the vocabulary.
Buffer<float> encode(const EncoderModel& model, const EncoderTokens& tokens,
                     const std::function<ExpertTap(std::int64_t block)>& tap = {});

/// Vocabulary logits of rows of hidden states: [M, D] -> [M, V].
Buffer<float> masked_word_logits(const EncoderModel& model, std::int64_t M, const float* rows);

/// Class scores (or the regression value) of each sequence: hidden [N, D] -> [B, labels].
Buffer<float> classify(const EncoderModel& model, const SequenceLayout& layout, const float* hidden);

}  // namespace espalier::infer
