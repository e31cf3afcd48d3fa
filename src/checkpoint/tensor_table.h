#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/mapped_file.h"
#include "checkpoint/safetensors.h"

namespace espalier {

/// A safetensors file, mapped and checked.
struct MappedSafetensors {
  std::filesystem::path file;
  MappedFile mapping;
  SafetensorsHeader header;

  explicit MappedSafetensors(const std::filesystem::path& path);
};

/// Tensors by name over one or more mapped files; views stay valid while the files do.
class TensorTable {
 public:
  /// The tensors of a file that `counts`; an index says which of several files has a tensor. Throws UserError
  /// when another file has brought a tensor of the same name.
  void add(const MappedSafetensors& file, const std::function<bool(const std::string& tensor)>& counts = {});
  bool contains(std::string_view name) const { return tensors_.contains(name); }
  /// Throws UserError naming `source`, the missing tensor and the nearest name there is.
  TensorView find(std::string_view name, std::string_view source) const;
  std::vector<std::string_view> names() const;

 private:
  std::map<std::string_view, TensorView> tensors_;
  std::size_t files_ = 0;
};

}  // namespace espalier
