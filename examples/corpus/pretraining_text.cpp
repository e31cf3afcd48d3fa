#include "corpus/pretraining_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>

namespace espalier::examples {
namespace {

// The first `words` words of a normalized text; none when it has fewer.
std::optional<std::string_view> first_words(std::string_view text, std::size_t words) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < words; ++i) {
    if (end >= text.size()) return std::nullopt;
    end = text.find(' ', end + (i > 0 ? 1 : 0));
    if (end == std::string_view::npos) end = text.size();
  }
  return text.substr(0, end);
}

bool starts_with_words(std::string_view text, std::string_view words) {
  return text.starts_with(words) && (text.size() == words.size() || text[words.size()] == ' ');
}

}  // namespace

HeldOutDefinitions::HeldOutDefinitions(std::span<const Synset> synsets) {
  for (const auto& synset : synsets) {
    if (split_of(synset.definition) == Split::kTrain) continue;
    auto text = normalized_definition(synset.definition);
    if (text.empty() || !whole_.try_emplace(text, definitions_.size()).second) continue;
    if (const auto begin = first_words(text, kWordsOfAPhrase)) {
      by_first_words_[std::string(*begin)].push_back(definitions_.size());
    }
    definitions_.push_back(std::move(text));
  }
}

bool HeldOutDefinitions::phrase_in(std::string_view text) const {
  std::string key;
  while (const auto begin = first_words(text, kWordsOfAPhrase)) {
    key.assign(*begin);
    if (const auto found = by_first_words_.find(key); found != by_first_words_.end()) {
      for (const auto index : found->second) {
        if (starts_with_words(text, definitions_[index])) return true;
      }
    }
    text.remove_prefix(text.find(' ') + 1);
  }
  return false;
}

bool HeldOutDefinitions::occurs_in(std::string_view text) const {
  if (phrase_in(normalized_definition(text))) return true;
  while (!text.empty()) {
    const auto end = text.find_first_of(";:.\"\n");
    if (whole_.contains(normalized_definition(text.substr(0, end)))) return true;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return false;
}

PretrainingTextSummary write_wordnet_text(std::span<const Synset> synsets, const HeldOutDefinitions& held_out,
                                          const TextSink& out) {
  PretrainingTextSummary summary;
  for (const auto& synset : synsets) {
    if (split_of(synset.definition) != Split::kTrain) {
      ++summary.held_out_synsets;
      continue;
    }
    std::string document = fmt::format("{}: {}.\n", fmt::join(synset.words, ", "), synset.definition);
    for (const auto& example : synset.examples) document += example + '\n';
    if (held_out.occurs_in(document)) {
      ++summary.repeated_held_out;
      continue;
    }
    document += '\n';
    out(document);
    ++summary.documents;
  }
  return summary;
}

PretrainingTextSummary write_gcide_text(std::span<const GcideEntry> entries,
                                        const HeldOutDefinitions& held_out, const TextSink& out) {
  PretrainingTextSummary summary;
  for (const auto& entry : entries) {
    std::string document;
    for (const auto& line : entry.lines) {
      if (held_out.occurs_in(line)) {
        ++summary.repeated_held_out;
        continue;
      }
      document += document.empty() ? entry.headword + ": " + line : line;
      document += '\n';
    }
    if (document.empty()) continue;
    document += '\n';
    out(document);
    ++summary.documents;
  }
  return summary;
}

}  // namespace espalier::examples
