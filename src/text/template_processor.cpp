#include "text/template_processor.h"

#include <fmt/format.h>

#include "base/error.h"
#include "text/tokenizer_component.h"
#include "text/tokenizer_config.h"

namespace espalier {
namespace {

/// ["[SEP]", 102]
std::int32_t id_of_pair(JsonObject& options, std::string_view key) {
  const nlohmann::json& pair = options.value(key);
  const bool fits = pair.is_array() && pair.size() == 2 && pair[1].is_number_integer();
  const std::int64_t id = fits ? pair[1].get<std::int64_t>() : -1;
  if (id < 0 || id > kMaxTokenId) options.fail(key, "expected [TOKEN, ID]");
  return static_cast<std::int32_t>(id);
}

TextFrame frame_of_template(JsonObject& options) {
  TextFrame frame;
  JsonObject special = options.object("special_tokens");
  bool after_text = false;
  for (JsonObject& item : options.objects("single")) {
    if (item.has("Sequence")) {
      if (after_text) options.fail("single", "expected the text once");
      after_text = true;
      continue;
    }
    const std::string name = item.object("SpecialToken").string("id");
    for (const std::int64_t id : special.object(name).integers("ids", {0, kMaxTokenId})) {
      (after_text ? frame.suffix : frame.prefix).push_back(static_cast<std::int32_t>(id));
    }
  }
  if (!after_text) options.fail("single", "expected the text among its parts");
  return frame;
}

/// Each component frames what the one before it made.
void add(TextFrame& frame, const nlohmann::json& component, const std::string& where, int depth) {
  auto [type, options] = open_component(component, where, depth);
  TextFrame outer;
  if (type == "Sequence") {
    std::size_t i = 0;
    for (const auto& part : component_list(options, "processors")) {
      add(frame, part, fmt::format("{}[{}]", where, i++), depth + 1);
    }
  } else if (type == "TemplateProcessing") {
    outer = frame_of_template(options);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    outer = {{id_of_pair(options, "cls")}, {id_of_pair(options, "sep")}};
  } else if (type != "ByteLevel") {
    unknown_component(type, where,
                      "Sequence, TemplateProcessing, ByteLevel, BertProcessing, RobertaProcessing");
  }
  frame.prefix.insert(frame.prefix.begin(), outer.prefix.begin(), outer.prefix.end());
  frame.suffix.insert(frame.suffix.end(), outer.suffix.begin(), outer.suffix.end());
}

}  // namespace

TextFrame make_text_frame(const nlohmann::json& component, const std::string& where) {
  TextFrame frame;
  if (!component.is_null()) add(frame, component, where, 0);
  return frame;
}

}  // namespace espalier
