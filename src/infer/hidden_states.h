#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/dtype.h"

namespace espalier::infer {

/// The residual stream of N tokens between two blocks, [N, D] in F32 or BF16 (rounded to nearest, ties to
/// even), in memory or in a mapped file.
class HiddenStates {
 public:
  HiddenStates(std::int64_t tokens, std::int64_t width, Dtype dtype);
  /// In `file`, which is made (or, if it has the right size, reopened as it is) and stays when this goes.
  /// Throws UserError when the disk is full.
  HiddenStates(std::int64_t tokens, std::int64_t width, Dtype dtype, const std::filesystem::path& file);
  HiddenStates(HiddenStates&&) noexcept;
  HiddenStates& operator=(HiddenStates&&) noexcept;
  ~HiddenStates();

  std::int64_t tokens() const { return tokens_; }
  std::int64_t width() const { return width_; }
  Dtype dtype() const { return dtype_; }
  bool in_file() const;

  void load(std::int64_t first, std::int64_t count, float* to) const;
  /// Of a mapped file, what was stored leaves resident memory.
  void store(std::int64_t first, std::int64_t count, const float* from);
  /// Row `first` for working in place; nullptr unless these are float32 in memory.
  float* in_place(std::int64_t first);

  /// All bytes as they are kept, and from there.
  void save(const std::filesystem::path& file) const;
  /// Throws UserError when the file is not of this size.
  void restore(const std::filesystem::path& file);

 private:
  struct Storage;
  std::size_t offset(std::int64_t token) const;

  std::int64_t tokens_, width_;
  Dtype dtype_;
  std::unique_ptr<Storage> storage_;
};

/// Bytes of N tokens' states.
std::uint64_t hidden_bytes(std::int64_t tokens, std::int64_t width, Dtype dtype);

}  // namespace espalier::infer
