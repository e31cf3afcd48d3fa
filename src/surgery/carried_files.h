#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace espalier {

/// Files of a model's folder that a result takes over as they are (tokenizer, generation_config.json, code,
/// licence), and those it does not, because they are weights of the model before.
struct CarriedFiles {
  std::vector<std::filesystem::path> files;     ///< relative to the folder, sorted; subfolders too
  std::vector<std::filesystem::path> left_out;  ///< other formats' weights ("pytorch_model.bin", "x.gguf")
  std::vector<std::string> lost;  ///< "tokenizer.json: a link to nothing": what nobody can take over
};

/// Hidden files and what the result writes anew (config.json, README.md, model*.safetensors, the index) are
/// in no list.
CarriedFiles carried_files(const std::filesystem::path& folder);

/// True for the settings of a quantisation outside config.json, whose lists of modules must be renumbered.
bool is_quantization_settings(const std::filesystem::path& file);

}  // namespace espalier
