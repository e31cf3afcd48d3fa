#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/progress.h"
#include "infer/decoder_forward.h"
#include "infer/hidden_states.h"

namespace espalier::infer {

/// Running many sequences through a model of which one block at a time is in memory.
///
///     const DecoderModel model = load_decoder(Checkpoint::open(folder));
///     const PackedTokens tokens = pack(rows);                          // rows: TokenSequences
///     const HiddenStates states = run_blocks(model, tokens, {});      // all blocks, all tokens
///     for_each_logits(model, states, wanted, [&](std::size_t first, std::int64_t m, const float* logits) {
///       // logits [m, V] float32, not normalised: those of the tokens wanted[first .. first + m)
///     });
///
/// Token i of the packed sequences predicts token i + 1 of the same sequence.
struct PackedTokens {
  std::vector<std::int32_t> ids;  // [N]
  SequenceLayout layout;          ///< which sequence they belong to
};
PackedTokens pack(std::span<const std::vector<std::int64_t>> sequences);

struct StreamOptions {
  Dtype hidden_dtype = Dtype::kF32;  ///< how hidden states are kept between blocks: F32 or BF16
  /// Hidden states larger than this go to files in `spill`, which is made and removed; absent: never.
  std::optional<std::uint64_t> max_memory_bytes;
  std::filesystem::path spill;
  ProgressSink progress;  ///< "running the model", in tokens
};

/// The residual stream of all tokens after the last block, before the final norm. Throws UserError for ids
/// outside the vocabulary, Interrupted after Ctrl-C.
HiddenStates run_blocks(const DecoderModel& model, const PackedTokens& tokens, const StreamOptions& options);

/// Calls `visit(first, m, logits)` for blocks of rows: logits [m, V] of the tokens rows[first .. first + m).
void for_each_logits(
    const DecoderModel& model, const HiddenStates& states, std::span<const std::int64_t> rows,
    const std::function<void(std::size_t first, std::int64_t m, const float* logits)>& visit);

/// Embeddings of all tokens. Throws UserError for ids outside the vocabulary.
void embed(const DecoderModel& model, const PackedTokens& tokens, HiddenStates& states);

/// One block over all tokens, some sequences at a time in their order: `from` before, `to` after; the two may
/// be the same. `done` is told the tokens that are through. The block's weights leave resident memory at the
/// end. Throws Interrupted after Ctrl-C, with `to` half done.
void run_block(const DecoderModel& model, std::int64_t layer, const RopeTables& rope,
               const SequenceLayout& layout, const HiddenStates& from, HiddenStates& to, const ExpertTap& tap,
               const std::function<void(std::int64_t tokens)>& done = {});

}  // namespace espalier::infer
