#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// The pieces of a vocab.txt (one per line, the line number from 0 is the id; \r\n is read too). `name`
/// stands in errors. Throws UserError naming the line for an empty or repeated piece, a space in one, and
/// broken UTF-8.
std::vector<std::string> parse_vocabulary(std::string_view content, std::string_view name);

/// The pieces themselves, after the same checks; the position plus one stands for the line.
std::vector<std::string> checked_vocabulary(std::vector<std::string> pieces, std::string_view name);

std::vector<std::string> read_vocabulary(const std::filesystem::path& file);

/// Writes vocab.txt atomically. Throws UserError for pieces that the file cannot hold, and a full disk.
void write_vocabulary(const std::filesystem::path& file, std::span<const std::string> pieces);

}  // namespace espalier
