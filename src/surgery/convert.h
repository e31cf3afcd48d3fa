#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/progress.h"
#include "surgery/layout.h"

namespace espalier {

/// How matrices are stored afterwards.
enum class ConvertTo {
  kBf16,
  kF32,
  kFp8  ///< E4M3 with an F32 scale for each block of 128 x 128 (DeepSeek-V3); what is no linear layer: BF16
};

struct ConvertOptions {
  std::filesystem::path model;  ///< checkpoint folder; only read
  std::filesystem::path out;
  ConvertTo to = ConvertTo::kBf16;
  std::uint64_t shard_bytes = 0;  ///< largest output file; 0: as the input's largest
  IfExists if_exists = IfExists::kFail;
  std::vector<std::string> command;  ///< as typed, for the record
};

/// What a conversion cost the weights of one kind: ||after - before|| / ||before|| over all their numbers.
struct ConversionCost {
  std::string kind;  ///< "experts", "attention", ..
  std::int64_t weights = 0, numbers = 0;
  double relative_error = 0;
};

struct ConvertSummary {
  std::uint64_t file_bytes_before = 0, file_bytes_after = 0;
  std::vector<std::pair<std::string, std::uint64_t>> files;  ///< safetensors files and their bytes
  std::size_t files_found = 0;                               ///< of these, written by a run that was stopped
  std::vector<ConversionCost> costs;                         ///< of what is stored anew, by kind
};

/// A weight that is stored anew.
struct ConvertedWeight {
  std::string name, kind;
  std::shared_ptr<const Conversion> conversion;
};

/// What a conversion does, from the headers alone.
struct ConversionPlan {
  std::vector<OutputTensor> tensors;  ///< in the order of the input's files
  std::vector<ConvertedWeight> converted;
  std::vector<std::string> plain_modules;  ///< modules with a matrix that is not FP8 afterwards, sorted
};

/// Throws UserError naming the tensor where a weight cannot be read.
ConversionPlan plan_conversion(const Checkpoint& checkpoint, ConvertTo to);

/// Writes the model in another format into `options.out`, streaming: shards, index, config.json, every other
/// file of the model but the settings of its quantisation, and `espalier/convert.json`. As `apply_to_files`:
/// called again after a crash or Ctrl-C, finished shards are kept, and a complete result stays as it is. The
/// costs are measured on the files that were written.
///
/// Throws UserError for weights that cannot be read, an output folder that is not empty (unless kOverwrite)
/// or not apart from the model's, a full disk.
ConvertSummary convert_files(const ConvertOptions& options, const ProgressSink& progress,
                             const NoteSink& note);

}  // namespace espalier
