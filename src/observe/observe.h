#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "artifacts/observations.h"
#include "base/progress.h"
#include "infer/decoder_stream.h"
#include "observe/every_expert_observer.h"
#include "text/tokenizer.h"

namespace espalier {

enum class Resume {
  kNo,         ///< a state that is there belongs to another run: an error
  kIfPossible  ///< goes on from the layer that an interrupted run of the same model, data and options reached
};

struct ObserveOptions {
  std::string model;          ///< as named by the user, for the record
  std::filesystem::path out;  ///< observations.safetensors; the state of an unfinished run lies beside it
  /// Hidden states larger than this are kept in mapped files beside `out`; absent: in memory.
  std::optional<std::uint64_t> max_memory_bytes;
  Dtype hidden_dtype = Dtype::kF32;  ///< of hidden states between layers: F32 or BF16
  Resume resume = Resume::kNo;
  std::size_t token_ids = 2000;  ///< most frequent ids whose experts are counted
  std::size_t examples = 6;      ///< per expert, tokens with a little text around
  double save_share = 0.05;  ///< of the time may go into saving the state (in memory; mapped files need none)
  SimilarityOptions similarity;  ///< of experts; off by default, since every expert runs on every token
  ProgressSink progress;         ///< "observing", in tokens
  NoteSink note;
};

/// What the model is run on: rows of token ids, and where they come from.
struct ObservedRows {
  std::span<const std::vector<std::int64_t>> rows;  ///< real tokens only
  ObservedData data;                                ///< sequences and tokens are filled in
};

/// Runs all rows through the model, one layer at a time, and collects the statistics of every expert in that
/// one pass. After each layer the state is saved beside `out`; after Ctrl-C (Interrupted) or a crash the same
/// call with kIfPossible gives the same numbers. `tokenizer` may be null: then tokens have no text. Writes
/// nothing to `out` itself. Throws UserError for rows that do not fit the model, NaN in an expert's output, a
/// full disk.
Observations observe(const infer::DecoderModel& model, const ObservedRows& rows, const Tokenizer* tokenizer,
                     const ObserveOptions& options);

/// Removes the state of a finished run.
void discard_observe_state(const std::filesystem::path& out);

}  // namespace espalier
