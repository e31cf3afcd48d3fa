#include "data/token_sequences.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace espalier {
namespace {

constexpr const char* kIdsHint = "`espalier tokenize MODEL --text FILE --out tokens.json` writes such files";

std::int64_t token_id(const nlohmann::json& id, std::int64_t vocabulary, std::string_view where) {
  if (!id.is_number_integer()) {
    throw UserError(fmt::format("{}: found {}, expected a token id", where, dump_json(id).substr(0, 40)),
                    kIdsHint);
  }
  const bool fits = !id.is_number_unsigned() || id.get<std::uint64_t>() < (1ULL << 62);
  const auto value = fits ? id.get<std::int64_t>() : -1;
  if (value < 0 || value >= vocabulary) {
    throw UserError(
        fmt::format("{}: token id {} is outside the vocabulary of {} pieces", where, id.dump(), vocabulary),
        "make the tokens with the model's own vocabulary (espalier tokenize MODEL)");
  }
  return value;
}

std::vector<std::int64_t> sequence_of(const nlohmann::json& json, std::int64_t vocabulary,
                                      std::int64_t positions, const std::string& where) {
  if (!json.is_array()) throw UserError(fmt::format("{}: expected an array of token ids", where), kIdsHint);
  if (json.empty()) {
    throw UserError(fmt::format("{}: the sequence is empty", where), "leave out empty lines of the text");
  }
  if (static_cast<std::int64_t>(json.size()) > positions) {
    throw UserError(
        fmt::format("{}: {} tokens, the model holds positions for {}", where, json.size(), positions),
        "cut the sequences (espalier tokenize --max-tokens)");
  }
  std::vector<std::int64_t> ids;
  ids.reserve(json.size());
  for (const auto& id : json) {
    ids.push_back(token_id(id, vocabulary, fmt::format("{}[{}]", where, ids.size())));
  }
  return ids;
}

/// People have texts in .json too; what begins otherwise than {"sequences": is told where texts go.
void check_is_object(std::string_view content, const std::string& source) {
  const auto begin = content.find_first_not_of(" \t\r\n");
  const bool is_array = begin != std::string_view::npos && content[begin] == '[';
  const bool is_lines = begin != std::string_view::npos && content[begin] == '{' &&
                        content.find("\"sequences\"") == std::string_view::npos &&
                        nlohmann::json::accept(content.substr(0, content.find('\n')));  // else it is broken
  if (is_array || is_lines)
    throw UserError(fmt::format("{}: found {}, expected token ids: {{\"sequences\": [[..], ..]}}", source,
                                is_array ? "an array" : "an object without \"sequences\""),
                    "a .json file holds token ids here; texts go into .jsonl, one {\"text\": ..} a line");
}

}  // namespace

TokenSequences parse_token_sequences(std::string_view content, std::string_view source,
                                     std::int64_t vocabulary, std::int64_t positions) {
  const std::string name(source);
  JsonObject object(parse_json(content, source), name);
  const nlohmann::json& list = object.value("sequences");
  if (!list.is_array() || list.empty()) object.fail("sequences", "expected an array of sequences");
  object.finish();
  TokenSequences sequences;
  for (const auto& json : list) {
    sequences.push_back(
        sequence_of(json, vocabulary, positions, fmt::format("{}: sequences[{}]", name, sequences.size())));
  }
  return sequences;
}

TokenSequences read_token_sequences(const std::filesystem::path& file, std::int64_t vocabulary,
                                    std::int64_t positions) {
  const std::string content = read_file(file);
  check_is_object(content, file.string());
  return parse_token_sequences(content, file.string(), vocabulary, positions);
}

}  // namespace espalier
