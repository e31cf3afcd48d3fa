#pragma once

#include "train/finetune.h"

namespace espalier {

/// Fine-tuning on questions whose answers are parts of a text (data/questions/articles.h), as `finetune` on a
/// task: windows of `sequence_length` tokens, a head that marks each token, and the threshold for "no answer"
/// set on the training articles. `options.task` is not looked at.
FinetuneSummary finetune_spans(FinetuneOptions& options);

}  // namespace espalier
