#pragma once

#include <cstdint>
#include <vector>

#include "base/progress.h"
#include "data/example_batches.h"
#include "data/questions/articles.h"
#include "text/wordpiece.h"

namespace espalier {

/// Byte places of a token of a context: [begin, end).
struct TokenPlace {
  std::size_t begin = 0, end = 0;
};

/// One window: [CLS] question [SEP] part of the context [SEP].
struct SpanWindow {
  std::size_t question = 0;         ///< of the questions
  std::uint32_t context_begin = 0;  ///< token of the window at which the context begins
  std::vector<TokenPlace> places;   ///< of the context's tokens in it
};

struct SpanWindowOptions {
  std::int64_t max_length = 384;          ///< tokens, special ones included
  std::int64_t stride = 128;              ///< from window to window, tokens of the context
  std::int64_t max_question_length = 64;  ///< the rest is cut
};

/// Questions as windows of tokens: a context that does not fit goes into several that overlap (Devlin et al.
/// 2018, 4.2). `examples` has a sequence for each window; `begins` and `ends` its answer's first and last
/// token in the window, 0 ([CLS]) where the window does not hold all of it or there is none. Of several
/// answers the first one counts.
struct SpanWindows {
  EncodedExamples examples;
  std::vector<SpanWindow> windows;         // [n]
  std::vector<std::int64_t> begins, ends;  // [n]
};

/// Throws UserError where `max_length` leaves no room for a context.
SpanWindows span_windows(const Questions& questions, const WordPiece& tokenizer,
                         const SpanWindowOptions& options, const ProgressSink& progress = {});

}  // namespace espalier
