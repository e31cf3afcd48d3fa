#include "data/chat.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"

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

/// ShareGPT's names of those who speak.
std::string role_of(const std::string& from) {
  if (from == "human") return "user";
  return from == "gpt" || from == "chatgpt" || from == "bing" || from == "bard" ? "assistant" : from;
}

constexpr const char* kOnlyTexts = "only text is read: leave the line out, or take the part away";

/// What no part of a text model's input can be: images, sounds, files.
[[noreturn]] void refuse_part(JsonObject& message, std::string_view key, const nlohmann::json& part) {
  if (part.is_object() && part.contains("type") && part["type"].is_string() && part["type"] != "text")
    message.fail(key, fmt::format("a part of type {}", part["type"].get<std::string>()), kOnlyTexts);
  message.fail(key, "a part without a text", "a part is a text, or {\"type\": \"text\", \"text\": ..}");
}

std::string parts_text(JsonObject& message, std::string_view key) {
  std::string text;
  for (const nlohmann::json& part : message.value(key)) {
    const bool is_text = part.is_object() && part.value("type", nlohmann::json("text")) == "text";
    if (part.is_string()) {
      text += part.get<std::string>();
    } else if (is_text && part.contains("text") && part["text"].is_string()) {
      text += part["text"].get<std::string>();
    } else {
      refuse_part(message, key, part);
    }
  }
  return text;
}

std::string content_of(JsonObject& message, std::string_view key) {
  const nlohmann::json* content = message.find_value(key);
  if (content == nullptr) return {};
  return content->is_array() ? parts_text(message, key) : message.string(key);
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

std::string chat_text(JsonObject& row, std::string_view field, std::string_view pattern) {
  std::string text;
  for (JsonObject& message : row.objects(field)) {
    const bool shared = !message.has("role") && message.has("from");
    const std::string role = shared ? role_of(message.string("from")) : message.string("role");
    text += filled(pattern, role, content_of(message, shared ? "value" : "content"));
  }
  return text;
}

}  // namespace espalier
