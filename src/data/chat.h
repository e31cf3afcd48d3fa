#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace espalier {

/// The pattern of a chat message that a name stands for; a pattern itself is returned. Throws UserError for
/// an unknown name.
std::string chat_pattern(std::string_view chat_template);

/// The text of a list of messages in `field`: {"role": .., "content": ..}, or {"from": .., "value": ..},
/// whose "human" is "user" and "gpt" is "assistant". A content is a text, null (a call of a tool: no text) or
/// a list of parts, of which those of type text follow one another.
std::string chat_text(JsonObject& row, std::string_view field, std::string_view pattern);

}  // namespace espalier
