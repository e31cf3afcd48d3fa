#include "report/html.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace espalier {

std::string escape_html(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string html_section(std::string_view id, std::string_view title, const std::string& body) {
  return fmt::format("<section id=\"{0}\"><h2>{1}</h2>{2}</section>\n", id, title, body);
}

std::string script_json(const nlohmann::ordered_json& value) {
  // Outside strings JSON has none of these characters, so the escapes can be put in afterwards.
  const std::string json = value.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  std::string result;
  result.reserve(json.size());
  for (const char c : json) {
    switch (c) {
      case '<':
        result += "\\u003c";
        break;
      case '>':
        result += "\\u003e";
        break;
      case '&':
        result += "\\u0026";
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace espalier
