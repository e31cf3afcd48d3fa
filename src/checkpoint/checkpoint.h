#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "formats/find_weight.h"
#include "formats/tensor.h"
#include "formats/weight.h"

namespace espalier {

/// A tensor in a mapped file; valid while its Checkpoint lives.
struct TensorView : formats::Tensor {
  std::size_t file = 0;     // of Checkpoint::files()
  std::uint64_t begin = 0;  // first byte in that file
};

/// What a checkpoint was when it was opened, without reading its weights.
struct CheckpointIdentity {
  std::string sha256;  ///< of config.json, the index, every file's header and size
  std::string stamps;  ///< of every file: size, inode, time of change
};

/// A checkpoint folder: config.json and model.safetensors (or shards and model.safetensors.index.json).
/// Tensors are mapped, never read until touched. While it is open its files must not change: the outputs made
/// meanwhile are errors then (base/input_watch.h).
class Checkpoint {
 public:
  /// Throws UserError for a missing, truncated, overlapping, oversized or mislabelled file.
  static Checkpoint open(const std::filesystem::path& folder);
  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
  ~Checkpoint();

  const std::filesystem::path& folder() const;
  const nlohmann::json& config() const;
  bool contains(std::string_view tensor) const;
  /// Throws UserError naming the folder, the missing tensor and the nearest name there is.
  TensorView tensor(std::string_view name) const;
  std::vector<std::string_view> names() const;  ///< sorted
  /// The weight of a name in whatever format it is stored, see formats/find_weight.h. Throws UserError where
  /// there is none, and where it cannot be read.
  formats::Weight weight(std::string_view name) const;
  /// The tensors as formats see them.
  const formats::WeightSource& weights() const;
  /// `__metadata__` of the first file.
  const std::map<std::string, std::string>& metadata() const;
  /// The safetensors files, sorted, and the bytes of all of them.
  std::vector<std::filesystem::path> files() const;
  std::uint64_t file_bytes() const;
  CheckpointIdentity identity() const;

 private:
  struct State;
  explicit Checkpoint(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// What to write under a name; `fill` is called once with the destination's bytes.
struct TensorSource {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<std::int64_t> shape;
  std::function<void(std::span<std::byte>)> fill;
};

/// Writes one safetensors file, atomically (temporary name, fsync, rename), holding at most one tensor in
/// memory. Deterministic: the header lists tensors by name; the data lie in that order too, wider dtypes
/// first, so that every tensor is aligned to its element. `metadata` becomes `__metadata__`. Throws UserError
/// when the disk is full (before any `fill` is called, where the file system can reserve space).
void write_safetensors(const std::filesystem::path& file, std::vector<TensorSource> tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// One safetensors file on its own, without config.json (training states, observations, goldens).
class SafetensorsFile {
 public:
  static SafetensorsFile open(const std::filesystem::path& file);
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;
  ~SafetensorsFile();
  bool contains(std::string_view tensor) const;
  TensorView tensor(std::string_view name) const;
  std::vector<std::string_view> names() const;
  const std::map<std::string, std::string>& metadata() const;

 private:
  struct State;
  explicit SafetensorsFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace espalier
