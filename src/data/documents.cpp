#include "data/documents.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "base/json.h"
#include "data/text_file.h"

namespace espalier {
namespace {

struct NamedPattern {
  std::string_view name;
  std::string_view message;
};

constexpr std::array<NamedPattern, 3> kPatterns = {
    {{"plain", "{role}: {content}\n"},
     {"chatml", "<|im_start|>{role}\n{content}<|im_end|>\n"},
     {"inst", "{inst}"}}};  // "[INST] .. [/INST]" around what the user says, "</s>" behind the answers

std::string filled(std::string_view pattern, std::string_view role, std::string_view content) {
  if (pattern == "{inst}") {
    return role == "assistant" ? fmt::format(" {}</s>", content) : fmt::format("[INST] {} [/INST]", content);
  }
  std::string text;
  while (!pattern.empty()) {
    if (pattern.starts_with("{role}")) {
      text += role;
      pattern.remove_prefix(6);
    } else if (pattern.starts_with("{content}")) {
      text += content;
      pattern.remove_prefix(9);
    } else {
      text += pattern.front();
      pattern.remove_prefix(1);
    }
  }
  return text;
}

/// One line of JSON Lines.
std::string document_of(std::string_view line, const DocumentOptions& options, std::string_view pattern,
                        const std::string& where) {
  JsonObject object(parse_json(line, where), where);
  const nlohmann::json& value = object.value(options.field);
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) object.fail(options.field, "expected a text or a list of chat messages");
  std::string text;
  for (JsonObject& message : object.objects(options.field)) {
    text += filled(pattern, message.string("role"), message.string("content"));
  }
  return text;
}

}  // namespace

std::string chat_pattern(std::string_view chat_template) {
  for (const auto& [name, message] : kPatterns) {
    if (chat_template == name) return std::string(message);
  }
  if (chat_template.find("{content}") != std::string_view::npos) return std::string(chat_template);
  throw UserError(fmt::format("unknown chat template \"{}\"", chat_template),
                  "plain, chatml, inst, or a pattern such as \"{role}: {content}\"");
}

bool is_json_lines(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  return name.ends_with(".jsonl") || name.ends_with(".jsonl.gz") || name.ends_with(".jsonl.zst");
}

void for_each_document(std::span<const std::filesystem::path> files, const DocumentOptions& options,
                       const std::function<void(std::string_view)>& document, std::string_view what,
                       const ProgressSink& progress) {
  const std::string pattern = chat_pattern(options.chat_template);
  std::string paragraph;
  std::size_t file = 0;
  std::uint64_t line_number = 0;
  const auto close = [&] {
    if (!paragraph.empty()) document(paragraph);
    paragraph.clear();
  };
  const auto take_line = [&](std::string_view line) {
    ++line_number;
    if (is_json_lines(files[file])) {
      if (is_blank(line)) return;
      const std::string where = fmt::format("{}: line {}", files[file].string(), line_number);
      const std::string text = document_of(line, options, pattern, where);
      if (!text.empty()) document(text);
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
