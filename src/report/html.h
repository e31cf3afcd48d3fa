#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace espalier {

/// Text for an element or a quoted attribute: & < > " ' escaped.
std::string escape_html(std::string_view text);

/// A <section> under a heading; `id` and `title` are ours, `body` is HTML.
std::string html_section(std::string_view id, std::string_view title, const std::string& body);

/// JSON that is safe inside a <script> element, whatever its strings hold (no <, >, & or U+2028).
std::string script_json(const nlohmann::ordered_json& value);

}  // namespace espalier
