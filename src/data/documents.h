#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/progress.h"

namespace espalier {

/// Whether a line of JSON Lines whose text is empty or null is a document.
enum class EmptyDocuments { kSkip, kKeep };

/// How the documents of JSON Lines become text.
struct DocumentOptions {
  std::string field = "text";  ///< a text, or a list of chat messages (data/chat.h)
  /// How a chat message becomes text: "plain", "chatml", "inst", or a pattern with {role} and {content}.
  std::string chat_template = "plain";
  EmptyDocuments empty_lines = EmptyDocuments::kSkip;
};

/// The documents of each file in turn: of JSON Lines one a line, of other text what empty lines separate
/// (lines joined by line ends). Which file holds what says data/text_kind.h. Progress counts bytes on disk.
/// Throws UserError naming file and line for broken UTF-8 or JSON, an absent field, and a field of another
/// type.
void for_each_document(std::span<const std::filesystem::path> files, const DocumentOptions& options,
                       const std::function<void(std::string_view)>& document, std::string_view what,
                       const ProgressSink& progress = {});

}  // namespace espalier
