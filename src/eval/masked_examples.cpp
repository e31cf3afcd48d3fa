#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "eval/logit_rows.h"
#include "eval/masked_words.h"

namespace espalier {
namespace {

bool continues_word(std::string_view piece) {
  return piece.size() > 2 && piece.starts_with("##");
}

bool is_letters(std::string_view piece) {
  for (const char c : piece) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<signed char>(c) < 0;
    if (!letter) return false;
  }
  return piece.size() > 1;
}

/// One sequence of a batch with its masked pieces put back.
struct Sequence {
  std::vector<std::int64_t> ids, types;
  std::vector<std::size_t> masked;  // positions that were masked
};

Sequence restored(const MlmBatch& batch, std::size_t index) {
  const auto begin = batch.offsets[index], end = batch.offsets[index + 1];
  Sequence sequence{{batch.ids.begin() + begin, batch.ids.begin() + end},
                    {batch.types.begin() + begin, batch.types.begin() + end},
                    {}};
  for (std::size_t i = 0; i < batch.positions.size(); ++i) {
    if (batch.positions[i] < begin || batch.positions[i] >= end) continue;
    sequence.masked.push_back(static_cast<std::size_t>(batch.positions[i] - begin));
    sequence.ids[sequence.masked.back()] = batch.targets[i];
  }
  return sequence;
}

/// The first masked position that holds a word of its own.
std::optional<std::size_t> masked_word(const Sequence& sequence, const WordPiece& tokenizer) {
  const auto piece = [&](std::size_t at) {
    return tokenizer.piece(static_cast<std::int32_t>(sequence.ids[at]));
  };
  for (const auto at : sequence.masked) {
    if (is_letters(piece(at)) && !continues_word(piece(at + 1))) return at;  // a [SEP] follows every piece
  }
  return std::nullopt;
}

/// Words around `mask_at`, pieces joined, without special pieces.
std::string text_around(const std::vector<std::int64_t>& ids, std::size_t mask_at,
                        const WordPiece& tokenizer) {
  std::vector<std::string> words;
  std::size_t mask_word = 0;
  for (std::size_t at = 0; at < ids.size(); ++at) {
    const auto piece = tokenizer.piece(static_cast<std::int32_t>(ids[at]));
    if (at == mask_at) mask_word = words.size();
    if (ids[at] == tokenizer.cls() || ids[at] == tokenizer.sep()) continue;
    if (continues_word(piece) && !words.empty()) {
      words.back() += piece.substr(2);
    } else {
      words.emplace_back(piece);
    }
  }
  const std::size_t begin = mask_word > kExampleWords ? mask_word - kExampleWords : 0;
  const std::size_t end = std::min(words.size(), mask_word + kExampleWords + 1);
  std::string text = begin > 0 ? "... " : "";
  for (std::size_t i = begin; i < end; ++i) text += (i > begin ? " " : "") + words[i];
  return text + (end < words.size() ? " ..." : "");
}

/// The most likely pieces of one position; of equals the smaller id first.
std::vector<MaskedExample::Guess> guesses_of(const LogitRows& logits, const WordPiece& tokenizer,
                                             std::int64_t most) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(logits.classes()));
  std::iota(order.begin(), order.end(), 0);
  const auto end = order.begin() + std::min(most, logits.classes());
  std::partial_sort(order.begin(), end, order.end(), [&](std::int32_t a, std::int32_t b) {
    const float* row = logits.row(0);
    return row[a] > row[b] || (row[a] == row[b] && a < b);
  });
  std::vector<MaskedExample::Guess> guesses;
  for (auto id = order.begin(); id != end; ++id)
    guesses.push_back({std::string(tokenizer.piece(*id)), std::exp(logits.log_probability(0, *id))});
  return guesses;
}

MaskedExample predict(const infer::EncoderModel& model, const WordPiece& tokenizer, Sequence sequence,
                      std::size_t at, std::int64_t guesses) {
  MaskedExample example;
  example.target = tokenizer.piece(static_cast<std::int32_t>(sequence.ids[at]));
  sequence.ids[at] = tokenizer.mask();
  example.text = text_around(sequence.ids, at, tokenizer);
  const infer::SequenceLayout layout{{0, static_cast<std::int64_t>(sequence.ids.size())}};
  const auto hidden = encode(model, {sequence.ids, sequence.types, layout});
  const auto logits =
      masked_word_logits(model, 1, hidden.data() + static_cast<std::int64_t>(at) * model.width());
  example.guesses = guesses_of(LogitRows(1, model.vocabulary(), logits.data()), tokenizer, guesses);
  return example;
}

}  // namespace

std::vector<MaskedExample> masked_examples(const infer::EncoderModel& model, const WordPiece& tokenizer,
                                           MlmBatches& batches, std::size_t count, std::int64_t guesses) {
  std::vector<MaskedExample> examples;
  CorpusCursor cursor;
  for (std::uint64_t seen = 0; seen < batches.sequences() && examples.size() < count;) {
    const auto batch = batches.next(cursor);
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      if (seen++ == batches.sequences() || examples.size() == count) return examples;
      auto sequence = restored(batch, b);
      if (const auto at = masked_word(sequence, tokenizer)) {
        examples.push_back(predict(model, tokenizer, std::move(sequence), *at, guesses));
      }
    }
  }
  return examples;
}

}  // namespace espalier
