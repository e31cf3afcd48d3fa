#pragma once

#include <filesystem>
#include <string>

namespace espalier {

/// What a file with text for a language model holds.
enum class TextKind {
  kText,       ///< documents with empty lines between them
  kJsonLines,  ///< .jsonl, also with .gz or .zst: a document a line
  kTokenIds,   ///< .json: {"sequences": [[..], ..]}
};

/// By the end of the name. The name of a pipe says nothing: there the first bytes decide, `{"sequences"` for
/// token ids, `{"` for JSON Lines.
TextKind text_kind(const std::filesystem::path& file);

/// The first bytes of a file, its first line among them, decompressed, behind a byte order mark.
std::string first_bytes(const std::filesystem::path& file);

}  // namespace espalier
