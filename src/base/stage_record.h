#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace espalier {

/// In a folder that is, or was, written as OUT.partial: whose work it is, and how far its replacing OUT has
/// come.
///
///     {"format": "espalier.stage/1", "work": "..", "replaces": INODE, "files": {"config.json": BYTES, ..}}
constexpr const char* kStageRecordFile = ".espalier";

struct StageRecord {
  std::string work;
  std::uint64_t replaces = 0;  ///< inode of the older folder that is still to be removed; 0: none
  std::map<std::string, std::uint64_t> files;  ///< of the complete result, with their bytes

  /// Whether each file is in `folder`, of its size.
  bool holds(const std::filesystem::path& folder) const;
};

/// Nothing where there is no such folder, or no record in it.
std::optional<StageRecord> read_record(const std::filesystem::path& folder);
void write_record(const std::filesystem::path& folder, const StageRecord& record);
std::map<std::string, std::uint64_t> sizes_below(const std::filesystem::path& folder);

}  // namespace espalier
