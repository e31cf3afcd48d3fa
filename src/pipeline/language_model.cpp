#include "pipeline/language_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace espalier::pipeline {
namespace {

constexpr std::int64_t kSequenceLength = 2048;

/// "<s>", for people.
std::string shown(std::span<const std::int32_t> ids, const Tokenizer& tokenizer) {
  std::string text;
  for (const std::int32_t id : ids) text += tokenizer.piece(id);
  return ids.empty() ? "nothing" : text;
}

}  // namespace

infer::DecoderModel open_decoder(const std::filesystem::path& folder, const RunContext& context) {
  infer::DecoderModel model = infer::load_decoder(Checkpoint::open(folder));
  for (const std::string& note : model.spec.notes)
    if (context.note) context.note(fmt::format("{}: {}", folder.string(), note));
  return model;
}

LanguageModel open_language_model(const std::filesystem::path& folder, const RunContext& context) {
  LanguageModel opened{open_decoder(folder, context), nullptr};
  opened.tokenizer = open_tokenizer(folder);
  return opened;
}

std::int64_t window_length(std::optional<std::int64_t> asked, const infer::DecoderModel& model) {
  const std::int64_t most = model.spec.positions();
  if (asked.value_or(1) > most) {
    throw UserError(fmt::format("--seq-len {}: the model holds positions for {} tokens", *asked, most),
                    fmt::format("--seq-len {} or less", most));
  }
  return asked.value_or(std::min(kSequenceLength, most));
}

TextToScore text_to_score(std::span<const std::filesystem::path> files, const LanguageModel& model,
                          const WindowOptions& windows, const DocumentOptions& documents, std::size_t limit) {
  if (files.empty()) throw UserError("--data is missing", "name text files (plain, .gz, .zst, .jsonl)");
  const auto ids = read_text_ids(files, *model.tokenizer, model.model.vocabulary(), documents);
  const auto prefix = model.tokenizer->prefix();
  const auto room = windows.sequence_length - static_cast<std::int64_t>(prefix.size());
  TextToScore text{text_windows(ids, prefix, windows), {}};
  if (limit > 0 && text.windows.size() > limit) text.windows.resize(limit);
  text.settings = {{"sequence_length", std::to_string(windows.sequence_length)},
                   {"stride", std::to_string(windows.stride == 0 ? room : windows.stride)},
                   {"in_front", shown(prefix, *model.tokenizer)},
                   {"first_token", "not scored"}};
  return text;
}

}  // namespace espalier::pipeline
