#include "pipeline/make_verb.h"

namespace espalier::pipeline {

std::string json_text(const nlohmann::ordered_json& json) {
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
  if (!json.is_array()) return json.dump(2, ' ', false, kReplace) + "\n";
  std::string lines;
  for (const auto& entry : json) lines += entry.dump(-1, ' ', false, kReplace) + "\n";
  return lines;
}

}  // namespace espalier::pipeline
