#include "base/stage_record.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "espalier.stage/1";

}  // namespace

bool StageRecord::holds(const fs::path& folder) const {
  std::error_code error;
  for (const auto& [file, bytes] : files)
    if (fs::file_size(folder / file, error) != bytes || error) return false;
  return !files.empty();
}

std::optional<StageRecord> read_record(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_regular_file(folder / kStageRecordFile, error)) return std::nullopt;
  const auto json = nlohmann::json::parse(read_file(folder / kStageRecordFile), nullptr, false);
  if (!json.is_object() || json.value("format", nlohmann::json()) != kFormat) return std::nullopt;
  try {
    return StageRecord{json.at("work"), json.at("replaces"), json.at("files")};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // not ours
  }
}

void write_record(const fs::path& folder, const StageRecord& record) {
  nlohmann::json json = {
      {"format", kFormat}, {"work", record.work}, {"replaces", record.replaces}, {"files", record.files}};
  write_file(folder / kStageRecordFile,
             json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::map<std::string, std::uint64_t> sizes_below(const fs::path& folder) {
  std::map<std::string, std::uint64_t> sizes;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.is_symlink() || entry.path().filename() == kStageRecordFile)
      continue;
    sizes[entry.path().lexically_relative(folder).string()] = entry.file_size();
  }
  return sizes;
}

}  // namespace espalier
