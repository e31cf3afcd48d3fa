#include "pipeline/make_verb.h"

#include <fmt/format.h>

#include "base/error.h"

namespace espalier::pipeline {

std::string json_text(const nlohmann::ordered_json& json) {
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
  if (!json.is_array()) return json.dump(2, ' ', false, kReplace) + "\n";
  std::string lines;
  for (const auto& entry : json) lines += entry.dump(-1, ' ', false, kReplace) + "\n";
  return lines;
}

void refuse_to_train(std::string_view verb) {
  throw UserError(fmt::format("`{}` needs the full build of espalier: this program does not train", verb),
                  "`make full` in the source tree builds it (libtorch and oneDNN come from Debian)");
}

}  // namespace espalier::pipeline
