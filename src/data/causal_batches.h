#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "data/epoch_order.h"
#include "data/token_corpus.h"

namespace espalier {

struct CausalOptions {
  std::int64_t sequence_length = 256;  ///< tokens of a row
  std::int64_t batch_tokens = 4096;    ///< a batch holds as many whole rows as fit
  std::uint64_t seed = 0;
  std::optional<std::int32_t> bos;  ///< put in front of each row
};

/// Packed rows; each token's target is the one that follows it in the text.
struct CausalBatch {
  std::vector<std::int64_t> ids;      // [N]
  std::vector<std::int64_t> targets;  // [N]
  std::vector<std::int64_t> offsets;  // [B+1]
};

/// Cuts a corpus, its documents one after another, into rows of one length (the last may be shorter) and
/// serves them in an order shuffled anew each epoch. A batch is a function of the options and the cursor
/// alone.
class CausalBatches {
 public:
  /// Throws UserError when the corpus is too short or a batch holds no row.
  CausalBatches(const TokenCorpus& corpus, const CausalOptions& options);

  /// The batch at `cursor`, which moves on; rows of the next epoch fill up an epoch's last batch.
  CausalBatch next(CorpusCursor& cursor);
  /// Rows first .. first + count - 1 of the text, in its order.
  CausalBatch in_order(std::uint64_t first, std::uint64_t count) const;

  std::uint64_t rows() const { return rows_; }
  std::uint64_t rows_of_a_batch() const { return batch_rows_; }

 private:
  void append(std::uint64_t row, CausalBatch& batch) const;

  const TokenCorpus& corpus_;
  CausalOptions options_;
  std::uint64_t rows_ = 0, batch_rows_ = 0;
  std::vector<std::uint32_t> order_;
  std::uint64_t ordered_epoch_ = ~0ULL;
};

}  // namespace espalier
