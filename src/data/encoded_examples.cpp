#include "data/encoded_examples.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/interrupt.h"

namespace espalier {
namespace {

constexpr std::size_t kExamplesPerReport = 1024;

/// How many tokens of each text stay.
struct Lengths {
  std::size_t first, second;
};

// The longer one is cut down to the shorter, then both in turn, the second before the first.
Lengths truncated(Lengths from, std::size_t room) {
  auto [first, second] = from;
  while (first + second > room) (first > second ? first : second) -= 1;
  return {first, second};
}

void check(const Task& task, const WordPiece& tokenizer, std::int64_t max_length) {
  const std::int64_t fewest = task.has_pairs() ? 5 : 3;  // a token of each text
  if (max_length < fewest) {
    throw UserError(fmt::format("--seq-len {}: an example of task {} takes at least {} tokens", max_length,
                                task.name, fewest),
                    "128 is usual");
  }
  if (tokenizer.cls() < 0 || tokenizer.sep() < 0) {
    throw UserError("the vocabulary has no piece [CLS] or [SEP]",
                    "BERT vocabularies hold [PAD], [UNK], [CLS], [SEP] and [MASK]");
  }
}

// Tokens of one example, kept between examples for their memory.
struct Texts {
  std::vector<std::int32_t> first, second;
};

void append(const Texts& texts, bool pair, const WordPiece& tokenizer, std::size_t max_length,
            EncodedExamples& out) {
  const Lengths whole{texts.first.size(), texts.second.size()};
  const auto kept = truncated(whole, max_length - (pair ? 3 : 2));
  out.cut += kept.first + kept.second < whole.first + whole.second;
  out.ids.push_back(tokenizer.cls());
  out.ids.insert(out.ids.end(), texts.first.begin(),
                 texts.first.begin() + static_cast<std::ptrdiff_t>(kept.first));
  out.ids.push_back(tokenizer.sep());
  if (pair) {
    out.ids.insert(out.ids.end(), texts.second.begin(),
                   texts.second.begin() + static_cast<std::ptrdiff_t>(kept.second));
    out.ids.push_back(tokenizer.sep());
  }
  out.first_lengths.push_back(static_cast<std::uint32_t>(kept.first + 2));
  out.offsets.push_back(out.ids.size());
}

}  // namespace

EncodedExamples encode_examples(const TaskSplit& split, const WordPiece& tokenizer, std::int64_t max_length,
                                const ProgressSink& progress) {
  check(split.task, tokenizer, max_length);
  EncodedExamples out;
  Texts texts;
  for (const auto& example : split.examples) {
    texts.first.clear();
    texts.second.clear();
    tokenizer.encode(example.first, texts.first);
    if (example.second) tokenizer.encode(*example.second, texts.second);
    append(texts, example.second.has_value(), tokenizer, static_cast<std::size_t>(max_length), out);
    if (split.labelled && split.task.kind == TaskKind::kClassification) out.labels.push_back(example.label);
    if (split.labelled && split.task.kind == TaskKind::kRegression) {
      out.values.push_back(static_cast<float>(example.value));
    }
    if (out.size() % kExamplesPerReport != 0) continue;
    if (interrupt_requested()) throw Interrupted("stopped while tokenizing");
    if (progress) progress({"tokenizing", out.size(), split.examples.size(), "examples"});
  }
  return out;
}

}  // namespace espalier
