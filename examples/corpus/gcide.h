#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::examples {

/// An entry of the Collaborative International Dictionary of English as plain prose.
struct GcideEntry {
  std::string headword;
  std::vector<std::string>
      lines;  ///< one sense, note or quotation each; without marks, pronunciation, etymology
};

/// What a reader of GCIDE left out.
struct GcideSummary {
  std::size_t entries = 0;
  std::size_t wordnet_blocks = 0;  ///< blocks marked as taken from WordNet
};

inline constexpr const char* kGcideFile = "/usr/share/dictd/gcide.dict.dz";  ///< of Debian's dict-gcide

/// The entries of a dictd data file (decompressed), without those parts whose mark names WordNet.
std::vector<GcideEntry> parse_gcide(std::string_view content, GcideSummary* summary = nullptr);

/// Throws UserError with the package to install when the file is missing, and for one without entries.
std::vector<GcideEntry> read_gcide(const std::filesystem::path& file = kGcideFile,
                                   GcideSummary* summary = nullptr);

/// A stretch of GCIDE's text without its notation: `[ae]` and `['e]` become letters, other brackets (marks,
/// usage, cross-references) and attributions (`--Shak.`) vanish, braces fall off, runs of white space become
/// one space.
std::string clean_gcide_text(std::string_view text);

}  // namespace espalier::examples
