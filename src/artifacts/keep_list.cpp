#include "artifacts/keep_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "artifacts/json_fields.h"
#include "artifacts/layer_entry.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace espalier {
namespace {

using nlohmann::json;

constexpr const char* kShapes =
    R"(a keep-list is {"0": [0, 3], "1": [..]}, block to surviving experts, or {"keep": [[0, 3], null, ..]})";

[[noreturn]] void fail(std::string_view where, std::string_view field, std::string_view message) {
  throw UserError(fmt::format("{}: {}: {}", where, field, message), kShapes);
}

std::vector<int> experts_from(const json& value, std::string_view where, const std::string& field) {
  if (!value.is_array()) fail(where, field, "expected an array of experts");
  std::vector<int> experts;
  for (const json& item : value) {
    const bool number = item.is_number_unsigned() && item.get<std::uint64_t>() < kMostExperts;
    if (!number)
      fail(where, fmt::format("{}[{}]", field, experts.size()),
           fmt::format("expected an expert from 0 to {}", kMostExperts - 1));
    experts.push_back(item.get<int>());
  }
  if (experts.empty()) fail(where, field, "no expert is left, expected at least one");
  std::sort(experts.begin(), experts.end());
  const auto twice = std::adjacent_find(experts.begin(), experts.end());
  if (twice != experts.end()) fail(where, field, fmt::format("expert {} is listed twice", *twice));
  return experts;
}

void add_block(KeepList& list, int block, std::vector<int> experts, std::string_view where) {
  if (list.emplace(block, std::move(experts)).second) return;
  fail(where, std::to_string(block), "the block is listed twice");
}

/// `{"0": [..], ..}`, or `{"keep": [..]}` with an entry for each block.
void add_object(KeepList& list, const json& object, std::string_view where) {
  if (!object.is_object()) throw UserError(fmt::format("{}: expected a JSON object", where), kShapes);
  if (object.contains("keep") && object.size() == 1) {
    const json& blocks = object.at("keep");
    if (!blocks.is_array() || blocks.size() > kMostLayers)
      fail(where, "keep", "expected an array with an entry for each block");
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (blocks[i].is_null()) continue;
      add_block(list, static_cast<int>(i), experts_from(blocks[i], where, fmt::format("keep[{}]", i)), where);
    }
    return;
  }
  for (const auto& [key, value] : object.items()) {
    const auto block = key_as_number(key, kMostLayers);
    if (!block)
      fail(where, key.substr(0, 40), fmt::format("expected a block number from 0 to {}", kMostLayers - 1));
    add_block(list, *block, experts_from(value, where, key), where);
  }
}

/// Whether the text is one JSON value per line: more than one line that begins with a brace.
bool has_several_lines(std::string_view text) {
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size();
       at = text.find('\n', at), at = at == std::string_view::npos ? at : at + 1) {
    if (text[at] == '{') ++lines;
  }
  return lines > 1;
}

}  // namespace

KeepList keep_list_from_text(std::string_view text, std::string_view where) {
  KeepList list;
  if (!has_several_lines(text)) {
    add_object(list, parse_json(text, where), where);
  } else {
    std::size_t number = 0;
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text = line.size() == text.size() ? std::string_view{} : text.substr(line.size() + 1);
      ++number;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const std::string source = fmt::format("{} (line {})", where, number);
      add_object(list, parse_json(line, source), source);
    }
  }
  if (list.empty()) throw UserError(fmt::format("{}: the keep-list is empty", where), kShapes);
  return list;
}

KeepList read_keep_list(const std::filesystem::path& file) {
  return keep_list_from_text(read_file(file), file.string());
}

KeepList keep_list_of(const Plan& plan) {
  KeepList list;
  for (const LayerPlan& layer : plan.layers) list[layer.layer] = layer.keep;
  return list;
}

std::string keep_list_to_json(const KeepList& list) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [block, experts] : list) object[std::to_string(block)] = experts;
  return to_readable_json_text(object);
}

std::string keep_list_to_lines(const KeepList& list) {
  std::string text;
  for (const auto& [block, experts] : list) {
    text += to_json_text(nlohmann::ordered_json{{std::to_string(block), experts}}, -1) + "\n";
  }
  return text;
}

void write_keep_list(const std::filesystem::path& file, const KeepList& list) {
  write_file(file, file.extension() == ".jsonl" ? keep_list_to_lines(list) : keep_list_to_json(list));
}

}  // namespace espalier
