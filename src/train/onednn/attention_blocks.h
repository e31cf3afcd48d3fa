#pragma once

#include <cstdint>
#include <vector>

#include "train/ops/ops.h"

/// How attention is cut into pieces that a thread computes whole.
namespace espalier::onednn {

/// Queries of one head of one sequence, the keys that any of them sees, and its block of probabilities.
struct AttentionBlock {
  std::int64_t token, rows;               // first query, in the batch
  std::int64_t key, keys;                 // first key, in the batch
  std::int64_t head;                      // of the queries
  std::int64_t probabilities;             // first element of its block [rows, keys]
  std::int64_t sequence_and_head, chunk;  // b * H + h, and which of its blocks: names the dropout
};

/// The blocks that share keys and values - a sequence and one of G heads - one after another, so that one
/// thread adds up their gradients.
struct AttentionBlocks {
  std::vector<AttentionBlock> blocks;
  std::vector<std::size_t> ends;  // of the groups
  std::int64_t elements = 0;      // probabilities of all
  std::int64_t largest = 0;       // of one
  bool single = true;             // every group is one block
};

/// A head that sees everything is one block; a causal one is cut into `kAttentionQueries` queries, whose
/// scores stay in the cache, and half of which is needed.
AttentionBlocks attention_blocks(const SequenceLayout& layout, const AttentionHeads& heads);

/// Columns of a head's numbers in a row of qkv, and of the output.
struct HeadColumns {
  std::int64_t query, key, value, out;
};
HeadColumns columns(const AttentionHeads& heads, std::int64_t head);

/// Groups go to threads; inside a parallel region every product runs on one. body(block, first, second) with
/// memory for `buffers` blocks of probabilities, nullptr beyond.
template <typename Body>
void for_each_block(const AttentionBlocks& all, std::size_t buffers, Body body) {
#pragma omp parallel
  {
    const auto room = static_cast<std::size_t>(all.largest);
    std::vector<float> memory(buffers * room);
    float* first = buffers > 0 ? memory.data() : nullptr;
    float* second = buffers > 1 ? memory.data() + room : nullptr;
#pragma omp for schedule(dynamic, 1)
    for (std::size_t group = 0; group < all.ends.size(); ++group)
      for (auto i = group == 0 ? 0 : all.ends[group - 1]; i < all.ends[group]; ++i)
        body(all.blocks[i], first, second);
  }
}

}  // namespace espalier::onednn
