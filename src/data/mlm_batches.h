#pragma once

#include <cstdint>
#include <vector>

#include "data/epoch_order.h"
#include "data/token_corpus.h"

namespace espalier {

/// Token ids the masking needs, and how much to mask (Devlin et al. 2018, 3.1).
struct MlmOptions {
  std::int64_t sequence_length = 128;  ///< [CLS] and [SEP] included; documents are cut into pieces that fit
  std::int64_t batch_tokens = 4096;    ///< a batch holds as many whole sequences as fit
  double mask_share = 0.15;            ///< of a sequence's tokens, specials excluded, rounded, at least one
  double pair_share = 0.5;  ///< of the sequences of 16 tokens and more are cut into segments A [SEP] B
  std::uint64_t seed = 0;
  std::int32_t cls = 0, sep = 0, mask = 0;
  std::int32_t first_ordinary = 0;  ///< smallest id a random replacement may have
  std::int32_t vocabulary = 0;
};

/// Packed sequences (no padding) with targets at the masked positions.
struct MlmBatch {
  std::vector<std::int64_t> ids;        // [N]
  std::vector<std::int64_t> types;      // [N] 0 or 1
  std::vector<std::int64_t> offsets;    // [B+1]
  std::vector<std::int64_t> positions;  // [M] places in `ids` that are predicted, ascending
  std::vector<std::int64_t> targets;    // [M] the ids that stood there
};

/// Cuts a corpus into sequences and serves masked batches in an order shuffled anew each epoch. A batch is a
/// function of the options and the cursor alone.
class MlmBatches {
 public:
  /// Throws UserError when the corpus is empty or the options cannot hold a token.
  MlmBatches(const TokenCorpus& corpus, const MlmOptions& options);

  /// The batch at `cursor`, which moves on.
  MlmBatch next(CorpusCursor& cursor);

  std::uint64_t sequences() const { return pieces_.size(); }

 private:
  struct Piece {
    std::uint64_t begin;
    std::uint32_t length;
  };
  void order_for(std::uint64_t epoch);
  std::int64_t sequence_tokens(const Piece& piece) const {
    return static_cast<std::int64_t>(piece.length) + 3;
  }
  void append(const Piece& piece, std::uint64_t epoch, std::uint64_t index, MlmBatch& batch) const;

  const TokenCorpus& corpus_;
  MlmOptions options_;
  std::vector<Piece> pieces_;
  std::vector<std::uint32_t> order_;
  std::uint64_t ordered_epoch_ = ~0ULL;
};

}  // namespace espalier
