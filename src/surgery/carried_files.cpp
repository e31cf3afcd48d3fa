#include "surgery/carried_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 10> kWeightFormats{".safetensors", ".bin",  ".pt", ".pth",     ".ckpt",
                                                          ".gguf",        ".onnx", ".h5", ".msgpack", ".npz"};
constexpr std::array<std::string_view, 5> kWrittenAnew{
    "config.json", "README.md", "model.safetensors.index.json", "model.safetensors", "espalier"};
constexpr std::array<std::string_view, 3> kQuantizationSettings{
    "quantize_config.json", "quantization_config.json", "hf_quant_config.json"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_weights(const fs::path& file) {
  const std::string name = file.filename().string();
  return contains(kWeightFormats, file.extension().string()) || name.ends_with(".bin.index.json") ||
         name.ends_with(".safetensors.index.json");
}

bool is_shard(const fs::path& relative) {
  const std::string name = relative.filename().string();
  return !relative.has_parent_path() && name.starts_with("model") && name.ends_with(".safetensors");
}

/// Why what is neither a file nor a folder of the model cannot be taken over.
std::string why_lost(const fs::directory_entry& entry) {
  std::error_code error;
  if (!entry.is_symlink(error)) return "neither a file nor a folder";
  const std::string target = fs::read_symlink(entry.path(), error).string();
  return entry.exists(error) ? fmt::format("a link to a folder ({}), which is not followed", target)
                             : fmt::format("a link to nothing ({})", target);
}

void collect(const fs::path& folder, const fs::path& below, CarriedFiles& result) {
  for (const auto& entry : fs::directory_iterator(folder / below)) {
    const std::string name = entry.path().filename().string();
    const fs::path relative = below / name;
    if (name.starts_with(".") || (below.empty() && contains(kWrittenAnew, name)) || is_shard(relative))
      continue;
    // Through links: a model's folder may be a cache of them. Links to folders are not followed (cycles).
    if (entry.is_directory() && !entry.is_symlink()) {
      collect(folder, relative, result);
    } else if (entry.is_regular_file()) {
      (is_weights(relative) ? result.left_out : result.files).push_back(relative);
    } else {
      result.lost.push_back(fmt::format("{}: {}", relative.string(), why_lost(entry)));
    }
  }
}

}  // namespace

CarriedFiles carried_files(const fs::path& folder) {
  CarriedFiles result;
  collect(folder, {}, result);
  std::sort(result.files.begin(), result.files.end());
  std::sort(result.left_out.begin(), result.left_out.end());
  std::sort(result.lost.begin(), result.lost.end());
  return result;
}

bool is_quantization_settings(const fs::path& file) {
  return !file.has_parent_path() && contains(kQuantizationSettings, file.string());
}

}  // namespace espalier
