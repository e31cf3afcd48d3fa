#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace espalier {

/// Token ids around a text.
struct TextFrame {
  std::vector<std::int32_t> prefix, suffix;
};

/// The "post_processor" of a tokenizer.json, as far as it concerns one text; null: nothing. Throws UserError
/// beginning with `where` for a component or option that is not known.
TextFrame make_text_frame(const nlohmann::json& component, const std::string& where);

}  // namespace espalier
