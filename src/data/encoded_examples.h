#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "data/task_split.h"
#include "text/wordpiece.h"

namespace espalier {

/// Examples as tokens, one behind another without padding (n examples, N tokens): [CLS] first [SEP] of type
/// 0, of a pair then second [SEP] of type 1 (Devlin et al. 2018, fig. 2).
struct EncodedExamples {
  std::vector<std::int32_t> ids;             // [N]
  std::vector<std::uint64_t> offsets{0};     // [n+1]
  std::vector<std::uint32_t> first_lengths;  // [n] tokens of type 0
  std::vector<std::int32_t> labels;          // [n] of a classification with labels, else empty
  std::vector<float> values;                 // [n] of a regression with values, else empty
  std::uint64_t cut = 0;                     ///< examples that were longer than `max_length`

  std::size_t size() const { return first_lengths.size(); }
};

/// Encodes a split. Texts that do not fit into `max_length` tokens, special ones included, lose tokens at
/// their end; of a pair the longer text loses one at a time, of equals the second (`_truncate_seq_pair` of
/// the reference). Throws UserError when `max_length` leaves no room or the vocabulary has no [CLS] or [SEP].
EncodedExamples encode_examples(const TaskSplit& split, const WordPiece& tokenizer, std::int64_t max_length,
                                const ProgressSink& progress = {});

}  // namespace espalier
