#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/progress.h"

namespace espalier {

/// How the documents of JSON Lines become text.
struct DocumentOptions {
  std::string field = "text";  ///< a text, or a list of chat messages {"role": .., "content": ..}
  /// How a chat message becomes text: "plain", "chatml", "inst", or a pattern with {role} and {content}.
  std::string chat_template = "plain";
};

/// .jsonl, also with .gz or .zst.
bool is_json_lines(const std::filesystem::path& file);

/// The documents of each file in turn: of JSON Lines one a line, of other text what empty lines separate
/// (lines joined by line ends). Empty documents are passed over. Progress counts bytes on disk. Throws
/// UserError naming file and line for broken UTF-8 or JSON, an absent field, and a field of another type.
void for_each_document(std::span<const std::filesystem::path> files, const DocumentOptions& options,
                       const std::function<void(std::string_view)>& document, std::string_view what,
                       const ProgressSink& progress = {});

/// The pattern of a chat message that a name stands for; a pattern itself is returned. Throws UserError for
/// an unknown name.
std::string chat_pattern(std::string_view chat_template);

}  // namespace espalier
