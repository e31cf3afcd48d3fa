#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "artifacts/plan.h"

namespace espalier {

/// Which experts stay, and nothing else: block -> surviving experts, ascending, at least one. Blocks that are
/// not listed stay as they are.
using KeepList = std::map<int, std::vector<int>>;

/// Reads `{"0": [0, 3], "1": [..]}`, the same over several lines of JSONL, or `{"keep": [[0, 3], null, ..]}`
/// with an entry for each block. Any order of experts. Throws UserError that begins with `where` for anything
/// else, for a block or an expert listed twice and for an empty list.
KeepList keep_list_from_text(std::string_view text, std::string_view where);
KeepList read_keep_list(const std::filesystem::path& file);

KeepList keep_list_of(const Plan& plan);

/// `{"0": [0, 3], ..}`; a line for each block where the file is to end in ".jsonl".
std::string keep_list_to_json(const KeepList& list);
std::string keep_list_to_lines(const KeepList& list);
/// Atomic; by the file's name, one or the other.
void write_keep_list(const std::filesystem::path& file, const KeepList& list);

}  // namespace espalier
