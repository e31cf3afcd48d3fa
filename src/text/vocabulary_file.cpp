#include "text/vocabulary_file.h"

#include <fmt/format.h>

#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "base/foreign_file.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr const char* kHint = "a vocabulary is one piece per line; train one with `espalier tokenizer train`";

void check_piece(std::string_view piece, std::string_view name, std::size_t line) {
  if (piece.empty()) throw UserError(fmt::format("{}: line {}: empty piece", name, line), kHint);
  if (const auto at = find_invalid_utf8(piece)) {
    throw UserError(fmt::format("{}: line {}, byte {}: invalid UTF-8 (0x{:02X})", name, line, *at + 1,
                                static_cast<unsigned char>(piece[*at])),
                    kHint);
  }
  if (piece.find_first_of(" \t\r\n") != std::string_view::npos) {
    throw UserError(fmt::format("{}: line {}: white space in piece \"{}\"", name, line, piece), kHint);
  }
}

void check_pieces(std::span<const std::string> pieces, std::string_view name) {
  std::unordered_map<std::string_view, std::size_t> line_of;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    check_piece(pieces[i], name, i + 1);
    const auto [found, is_new] = line_of.try_emplace(pieces[i], i + 1);
    if (!is_new) {
      throw UserError(fmt::format("{}: line {}: piece \"{}\" stands in line {} already", name, i + 1,
                                  pieces[i], found->second),
                      kHint);
    }
  }
}

}  // namespace

std::vector<std::string> parse_vocabulary(std::string_view content, std::string_view name) {
  std::vector<std::string> pieces;
  while (!content.empty()) {
    const auto end = content.find('\n');
    auto line = content.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    pieces.emplace_back(line);
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
  }
  if (pieces.empty()) throw UserError(fmt::format("{}: the vocabulary is empty", name), kHint);
  check_pieces(pieces, name);
  return pieces;
}

std::vector<std::string> checked_vocabulary(std::vector<std::string> pieces, std::string_view name) {
  check_pieces(pieces, name);
  return pieces;
}

std::vector<std::string> read_vocabulary(const std::filesystem::path& file) {
  const std::string content = read_file(file);
  refuse_foreign_or_page(content, file.string());
  return parse_vocabulary(content, file.string());
}

void write_vocabulary(const std::filesystem::path& file, std::span<const std::string> pieces) {
  check_pieces(pieces, file.string());
  std::string content;
  for (const auto& piece : pieces) {
    content += piece;
    content += '\n';
  }
  write_file(file, content);
}

}  // namespace espalier
