#pragma once

#include <cstdint>
#include <filesystem>

#include "base/progress.h"
#include "surgery/surgery.h"

namespace espalier {

struct VerifySummary {
  std::size_t tensors = 0;  ///< of the result, all compared
  std::size_t dropped = 0;  ///< tensors of the model that are rightly absent
  std::uint64_t bytes = 0;  ///< compared with the model's, or computed anew (merges, zeros)
  std::size_t carried_files = 0;
};

/// Proves that `result` is `model` after `plan`: the same tensors as `apply` would write and no others, every
/// byte of them, config.json, the index's sizes, and the files that are carried over. However the result is
/// cut into files. Throws UserError naming the first difference.
VerifySummary verify_files(const std::filesystem::path& model, const std::filesystem::path& result,
                           const std::filesystem::path& plan, const SurgeryOptions& options,
                           const ProgressSink& progress);

/// The options that `result` says it was made with (espalier/apply.json); the defaults where it has no
/// record.
SurgeryOptions recorded_options(const std::filesystem::path& result);

}  // namespace espalier
