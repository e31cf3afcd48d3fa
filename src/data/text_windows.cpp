#include "data/text_windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "data/text_file.h"
#include "data/text_kind.h"

namespace espalier {

std::vector<ScoredSequence> text_windows(std::span<const std::int64_t> ids,
                                         std::span<const std::int32_t> prefix, const WindowOptions& options) {
  const auto in_front = static_cast<std::int64_t>(prefix.size()),
             total = static_cast<std::int64_t>(ids.size());
  const std::int64_t room = options.sequence_length - in_front;
  const std::int64_t alone = prefix.empty() ? 1 : 0;  // nothing stands before the first
  if (room < 1 + alone) {
    throw UserError(fmt::format("--seq-len {} leaves nothing to score", options.sequence_length),
                    fmt::format("{} or more", in_front + 1 + alone));
  }
  const std::int64_t stride = options.stride == 0 ? room : options.stride;
  if (stride < 1 || stride > room) {
    throw UserError(fmt::format("--stride {}: expected 1 to {}", stride, room),
                    "a larger stride would leave tokens out");
  }
  std::vector<ScoredSequence> windows;
  std::int64_t scored_to = 0;
  for (std::int64_t begin = 0; scored_to < total; begin += stride) {
    const std::int64_t end = std::min(begin + room, total);
    ScoredSequence window;
    window.ids.assign(prefix.begin(), prefix.end());
    window.ids.insert(window.ids.end(), ids.begin() + begin, ids.begin() + end);
    window.scored = end - std::max(scored_to, begin + alone);
    scored_to = end;
    if (window.scored > 0) windows.push_back(std::move(window));
  }
  if (windows.empty()) {
    throw UserError(fmt::format("a text of {} tokens: nothing to score", total), "take a longer text");
  }
  return windows;
}

std::vector<std::int64_t> read_text_ids(std::span<const std::filesystem::path> files,
                                        const Tokenizer& tokenizer, std::int64_t vocabulary_size,
                                        const DocumentOptions& options) {
  std::vector<std::int64_t> ids;
  for (const auto& file : files) {
    std::string text;
    if (text_kind(file) == TextKind::kJsonLines) {
      const std::array one = {file};
      for_each_document(
          one, options,
          [&](std::string_view document) { text.append(text.empty() ? "" : "\n\n").append(document); },
          "reading");
    } else {
      text = read_text(file);
    }
    const auto encoded = tokenizer.encode(text);
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  }
  const auto largest = std::max_element(ids.begin(), ids.end());
  if (largest != ids.end() && *largest >= vocabulary_size) {
    throw UserError(fmt::format("the tokenizer gives id {}, the model's vocabulary has {} rows", *largest,
                                vocabulary_size),
                    "is it the tokenizer of this model?");
  }
  return ids;
}

}  // namespace espalier
