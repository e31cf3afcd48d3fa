#include "surgery/result_files.h"

#include "base/files.h"
#include "base/json.h"
#include "surgery/config_after.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kIndex = "model.safetensors.index.json";

/// `metadata` of the model's own index; empty where it has none.
json index_metadata(const fs::path& model) {
  std::error_code error;
  if (!fs::exists(model / kIndex, error)) return json::object();
  const json index = read_json(model / kIndex);
  const auto found = index.find("metadata");
  return found != index.end() && found->is_object() ? *found : json::object();
}

}  // namespace

std::string config_text_after(const PreparedSurgery& prepared) {
  const fs::path file = prepared.checkpoint.folder() / "config.json";
  const json after =
      config_after(prepared.checkpoint.config(), file.string(), prepared.surgery, prepared.plan);
  return after == prepared.checkpoint.config() ? read_file(file) : dump_json(after);
}

std::string index_text(const fs::path& model, const Layout& layout, std::int64_t parameters) {
  json metadata = index_metadata(model);
  metadata["total_size"] = layout.data_bytes;
  if (metadata.contains("total_parameters")) metadata["total_parameters"] = parameters;
  json weight_map = json::object();
  for (const OutputShard& shard : layout.shards) {
    for (const OutputTensor& tensor : shard.tensors) weight_map[tensor.name] = shard.file;
  }
  return dump_json({{"metadata", metadata}, {"weight_map", weight_map}});
}

std::string quantization_settings_after(const PreparedSurgery& prepared, const fs::path& file) {
  const fs::path source = prepared.checkpoint.folder() / file;
  const json before = read_json(source);
  const json after = renumber_modules(before, prepared.surgery);
  return after == before ? read_file(source) : dump_json(after);
}

std::map<fs::path, std::string> result_files(const PreparedSurgery& prepared, const ApplyOptions& options) {
  const fs::path& model = prepared.checkpoint.folder();
  std::map<fs::path, std::string> files;
  files["config.json"] = config_text_after(prepared);
  if (prepared.layout.shards.size() > 1)
    files[kIndex] = index_text(model, prepared.layout, prepared.summary.parameters_after);
  for (const fs::path& file : carried_files(model).files) {
    if (is_quantization_settings(file)) files[file] = quantization_settings_after(prepared, file);
  }
  files["README.md"] = model_card(prepared, options);
  files["espalier/plan.json"] = read_file(options.plan);
  files["espalier/apply.json"] = apply_record(prepared, options);
  if (options.scores) files["espalier/scores.json"] = read_file(*options.scores);
  std::error_code error;
  if (fs::is_regular_file(model / "README.md", error))
    files["espalier/base_model_card.md"] = read_file(model / "README.md");
  return files;
}

}  // namespace espalier
