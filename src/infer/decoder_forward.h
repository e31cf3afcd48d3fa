#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "infer/decoder.h"
#include "infer/rope.h"
#include "infer/sequence_layout.h"

namespace espalier::infer {

/// Keys and values of the tokens that one sequence has passed through one block; of a mixer with a state,
/// what its convolution still sees, and the state.
struct KeyValues {
  Buffer<float> index;   // [room, width] an indexer's keys
  Buffer<float> keys;    // [room, key row], or [kernel - 1, C]
  Buffer<float> values;  // [room, value row], or [heads, key width, value width]
  std::int64_t length = 0;
};

/// One block made ready to run: the weights that every token needs are widened once (experts are read when
/// they are needed, one at a time). The model and the rope tables outlive it.
class ReadyBlock {
 public:
  ReadyBlock(const DecoderModel& model, std::int64_t layer, const RopeTables& rope);
  ~ReadyBlock();
  ReadyBlock(const ReadyBlock&) = delete;
  ReadyBlock& operator=(const ReadyBlock&) = delete;

  /// x [N, D] float32, the residual stream of N tokens of packed sequences, before the block in, after it
  /// out.
  /// `choice` [N, most]: the keys that the last indexer chose for each token, for blocks that share its
  /// choice; where it is nullptr, they refuse sequences that are longer than what is chosen.
  void run(const SequenceLayout& layout, float* x, const ExpertTap& tap,
           std::int32_t* choice = nullptr) const;
  /// The same for the next N tokens of one sequence, which also see those in `past`; appends to it.
  void run(std::int64_t N, float* x, KeyValues& past, std::int32_t* choice = nullptr) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Room for the choices of N tokens; empty where no block shares any.
std::vector<std::int32_t> room_for_choices(const DecoderModel& model, std::int64_t N);

/// Rows of the embedding: ids [N] -> x [N, D] float32. Throws UserError for ids outside the vocabulary.
void embed(const DecoderModel& model, std::span<const std::int32_t> ids, float* x);

/// Vocabulary logits: M rows of the residual stream after the last block, [M, D] -> [M, V].
void decoder_logits(const DecoderModel& model, std::int64_t M, const float* rows, float* logits);

/// One sequence from beginning to end, in memory; `tap(layer)` watches a block, `hidden(layer, x)` sees the
/// residual stream [N, D] after it. Both may be empty. -> [N, D], before the final norm.
Buffer<float> run_sequence(const DecoderModel& model, std::span<const std::int32_t> ids,
                           const std::function<ExpertTap(std::int64_t)>& tap = {},
                           const std::function<void(std::int64_t, const float*)>& hidden = {});

}  // namespace espalier::infer
