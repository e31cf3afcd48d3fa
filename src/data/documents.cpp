#include "data/documents.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/json.h"
#include "data/chat.h"
#include "data/json_line.h"
#include "data/shown_text.h"
#include "data/text_file.h"
#include "data/text_kind.h"

namespace espalier {
namespace {

/// The line has another key: says which, and names the option.
[[noreturn]] void no_field(const nlohmann::json& row, const DocumentOptions& options,
                           const std::string& where) {
  std::vector<std::string> keys;
  std::string likely;
  for (const auto& [key, value] : row.items()) {
    keys.push_back(shown_text(key));
    if (likely.empty() && (value.is_string() || value.is_array())) likely = key;
  }
  for (const char* usual : {"messages", "conversations", "content", "text"})
    if (row.contains(usual)) likely = usual;
  throw UserError(
      fmt::format("{}: there is no field {}, the line has {}", where, options.field, fmt::join(keys, ", ")),
      fmt::format("--text-field {} takes the text from another field", likely.empty() ? "NAME" : likely));
}

/// One line of JSON Lines. A text of null is an empty one.
std::string document_of(std::string_view line, const DocumentOptions& options, std::string_view pattern,
                        const std::string& where) {
  const nlohmann::json row = parse_json_line(line, where);
  JsonObject object(row, where);
  const nlohmann::json* value = object.find_value(options.field);
  if (value == nullptr && !row.contains(options.field)) no_field(row, options, where);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  if (value->is_array()) return chat_text(object, options.field, pattern);
  object.fail(options.field, "expected a text or a list of chat messages",
              "--text-field NAME takes the text from another field");
}

}  // namespace

void for_each_document(std::span<const std::filesystem::path> files, const DocumentOptions& options,
                       const std::function<void(std::string_view)>& document, std::string_view what,
                       const ProgressSink& progress) {
  const std::string pattern = chat_pattern(options.chat_template);
  std::string paragraph;
  std::size_t file = 0;
  std::uint64_t line_number = 0;
  TextKind kind = TextKind::kText;
  const auto close = [&] {
    if (!paragraph.empty()) document(paragraph);
    paragraph.clear();
  };
  const auto take_line = [&](std::string_view line) {
    ++line_number;
    if (line_number == 1) kind = text_kind(files[file]);
    if (kind == TextKind::kJsonLines) {
      if (is_blank(line)) return;
      const std::string where = fmt::format("{}: line {}", files[file].string(), line_number);
      const std::string text = document_of(line, options, pattern, where);
      if (!text.empty() || options.empty_lines == EmptyDocuments::kKeep) document(text);
    } else if (is_blank(line)) {
      close();
    } else {
      if (!paragraph.empty()) paragraph += '\n';
      paragraph += line;
    }
  };
  const auto end_of_file = [&] {
    close();
    ++file;
    line_number = 0;
  };
  for_each_line(files, take_line, end_of_file, what, progress);
}

}  // namespace espalier
