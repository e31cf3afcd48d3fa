#include "text/text_normalizer.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/bert_normalizer.h"
#include "text/pattern.h"
#include "text/tokenizer_component.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace espalier {
namespace {

bool is_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<signed char>(c) < 0) return false;
  }
  return true;
}

TextNormalizer unicode_form(NormalForm form) {
  return [form](std::string& text) {
    if (!is_ascii(text)) text = normalized(text, form);
  };
}

/// `change(code_point, out)` appends what becomes of a code point.
template <class Change>
void map_characters(std::string& text, Change&& change) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto step = decode_utf8(text, at);
    change(step.code_point, out);
    at += step.bytes;
  }
  text = std::move(out);
}

void lower_case(std::string& text) {
  map_characters(text, [](std::uint32_t c, std::string& out) {
    if (c < 128) {
      out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    } else {
      append_lower_case(out, c);
    }
  });
}

// Marks of every category, as the reference; BERT's own normalizer strips Mn alone.
void strip_accents(std::string& text) {
  if (is_ascii(text)) return;
  map_characters(text, [](std::uint32_t c, std::string& out) {
    if (general_category(c).front() != 'M') append_utf8(out, c);
  });
}

TextNormalizer make_strip(JsonObject& options) {
  const Pattern left("^\\s+", "Strip"), right("\\s+(?!\\s|\\S)", "Strip");
  const bool at_left = options.boolean("strip_left", true);
  const bool at_right = options.boolean("strip_right", true);
  return [=](std::string& text) {
    if (at_right) {
      if (const auto found = right.find(text, 0)) text.resize(found->begin);
    }
    if (at_left) {
      const auto found = left.find(text, 0);
      if (found && found->begin == 0) text.erase(0, found->end);
    }
  };
}

TextNormalizer make_prepend(JsonObject& options) {
  return [prefix = options.string("prepend")](std::string& text) {
    if (!text.empty()) text.insert(0, prefix);
  };
}

TextNormalizer make_replace(JsonObject& options, const std::string& where) {
  auto pattern = std::make_shared<const Pattern>(expression_of(options.value("pattern"), where), where);
  return [pattern, content = options.string("content")](std::string& text) {
    std::string out;
    std::size_t begin = 0;
    while (const auto found = pattern->find(text, begin)) {
      out.append(text, begin, found->begin - begin).append(content);
      begin = found->end;
    }
    if (begin == 0) return;
    text = out.append(text, begin);
  };
}

TextNormalizer make_sequence(JsonObject& options, const std::string& where, int depth);

TextNormalizer make(const nlohmann::json& component, const std::string& where, int depth) {
  auto [type, options] = open_component(component, where, depth);
  if (type == "NFC") return unicode_form(NormalForm::kNfc);
  if (type == "NFD") return unicode_form(NormalForm::kNfd);
  if (type == "NFKC") return unicode_form(NormalForm::kNfkc);
  if (type == "NFKD") return unicode_form(NormalForm::kNfkd);
  if (type == "Lowercase") return lower_case;
  if (type == "StripAccents") return strip_accents;
  if (type == "Strip") return make_strip(options);
  if (type == "Prepend") return make_prepend(options);
  if (type == "Replace") return make_replace(options, where);
  if (type == "BertNormalizer") return make_bert_normalizer(parse_bert_normalizer(options));
  if (type == "Sequence") return make_sequence(options, where, depth);
  unknown_component(type, where,
                    "NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace, BertNormalizer, "
                    "Sequence");
}

TextNormalizer make_sequence(JsonObject& options, const std::string& where, int depth) {
  std::vector<TextNormalizer> steps;
  for (const auto& part : component_list(options, "normalizers")) {
    steps.push_back(make(part, fmt::format("{}[{}]", where, steps.size()), depth + 1));
  }
  return [steps](std::string& text) {
    for (const auto& step : steps) step(text);
  };
}

}  // namespace

TextNormalizer make_normalizer(const nlohmann::json& component, const std::string& where) {
  if (component.is_null()) return [](std::string&) {};
  return make(component, where, 0);
}

std::string expression_of(const nlohmann::json& pattern, const std::string& where) {
  JsonObject object(pattern, where, "pattern");
  if (object.has("Regex")) return object.string("Regex");
  const std::string literal = object.string("String");
  std::string expression;
  for (std::size_t at = 0; at < literal.size();) {
    const auto step = decode_utf8(literal, at);
    expression += fmt::format("\\x{{{:x}}}", step.code_point);
    at += step.bytes;
  }
  return expression;
}

}  // namespace espalier
