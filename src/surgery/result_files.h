#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "surgery/apply.h"
#include "surgery/carried_files.h"

namespace espalier {

/// The files of a result that are written whole, by their path in it, config.json among them; tensors and
/// carried files are not.
std::map<std::filesystem::path, std::string> result_files(const PreparedSurgery& prepared,
                                                          const ApplyOptions& options);

/// config.json of the result; byte for byte the model's where no value changes.
std::string config_text_after(const PreparedSurgery& prepared);

/// model.safetensors.index.json with what its `metadata` said in the model before, and the new sizes.
std::string index_text(const std::filesystem::path& model, const Layout& layout, std::int64_t parameters);

/// A file with settings of a quantisation (`is_quantization_settings`), its modules renumbered.
std::string quantization_settings_after(const PreparedSurgery& prepared, const std::filesystem::path& file);

/// `espalier/apply.json` ("espalier.apply/1"): what was done, so that `verify` can repeat it.
std::string apply_record(const PreparedSurgery& prepared, const ApplyOptions& options);
/// The options of such a record.
SurgeryOptions options_of_record(std::string_view json, std::string_view where);

/// README.md: what was removed, what it cost, what to know.
std::string model_card(const PreparedSurgery& prepared, const ApplyOptions& options);

}  // namespace espalier
