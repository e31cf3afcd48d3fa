#include "data/questions/span_windows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/interrupt.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::size_t kQuestionsPerReport = 256;

/// Tokens of a context and where each stands.
struct PlacedTokens {
  std::vector<std::int32_t> ids;
  std::vector<TokenPlace> places;
};

enum class Character { kBlank, kWord, kAlone };

/// A word ends at a blank, and at whatever is no letter and no digit, which stands for itself: so BERT's
/// basic tokenizer cuts too.
Character kind_of(std::uint32_t code_point) {
  if (is_white_space(code_point)) return Character::kBlank;
  const char kind = general_category(code_point)[0];
  return kind == 'L' || kind == 'N' || kind == 'M' ? Character::kWord : Character::kAlone;
}

PlacedTokens placed_tokens(const std::string& context, const WordPiece& tokenizer) {
  PlacedTokens tokens;
  const auto add = [&](std::size_t begin, std::size_t end) {
    if (begin == end) return;
    tokenizer.encode(std::string_view(context).substr(begin, end - begin), tokens.ids);
    tokens.places.resize(tokens.ids.size(), {begin, end});
  };
  std::size_t begin = 0, at = 0;
  while (at < context.size()) {
    const auto step = decode_utf8(context, at);
    const auto kind = kind_of(step.code_point);
    if (kind != Character::kWord) {
      add(begin, at);
      begin = at + step.bytes;
      if (kind == Character::kAlone) add(at, begin);
    }
    at += step.bytes;
  }
  add(begin, at);
  return tokens;
}

/// First and last token of an answer.
std::pair<std::size_t, std::size_t> tokens_of(const Answer& answer, const PlacedTokens& tokens) {
  const auto end = answer.begin + answer.text.size();
  std::size_t first = 0, last = 0;
  for (std::size_t i = 0; i < tokens.places.size(); ++i) {
    if (tokens.places[i].end <= answer.begin) first = i + 1;
    if (tokens.places[i].begin < end) last = i;
  }
  return {std::min(first, last), last};
}

class WindowMaker {
 public:
  WindowMaker(const Questions& questions, const WordPiece& tokenizer, const SpanWindowOptions& options)
      : questions_(questions), tokenizer_(tokenizer), options_(options) {
    if (tokenizer.cls() < 0 || tokenizer.sep() < 0)
      throw UserError("the vocabulary has no piece [CLS] or [SEP]",
                      "BERT vocabularies hold [PAD], [UNK], [CLS], [SEP] and [MASK]");
    if (options.max_length < 8)
      throw UserError(
          fmt::format("--seq-len {}: a window of a context takes at least 8 tokens", options.max_length),
          "384 is usual");
    for (const auto& context : questions.contexts) contexts_.push_back(placed_tokens(context, tokenizer));
  }

  void add(std::size_t number) {
    const Question& question = questions_.questions[number];
    std::vector<std::int32_t> ids;
    tokenizer_.encode(question.text, ids);
    const auto half = options_.max_length / 2;  // short windows keep room for the context
    ids.resize(std::min(ids.size(), static_cast<std::size_t>(std::min(options_.max_question_length, half))));
    const auto& context = contexts_[question.context];
    const auto room = static_cast<std::size_t>(options_.max_length) - ids.size() - 3;
    const auto stride = std::min(room, static_cast<std::size_t>(options_.stride));
    for (std::size_t begin = 0;; begin += stride) {
      const auto end = std::min(begin + room, context.ids.size());
      add_window(number, ids, context, begin, end);
      if (end == context.ids.size()) break;
      all_.examples.cut += begin == 0;
    }
  }

  SpanWindows all() { return std::move(all_); }

 private:
  void add_window(std::size_t number, const std::vector<std::int32_t>& question, const PlacedTokens& context,
                  std::size_t begin, std::size_t end) {
    auto& examples = all_.examples;
    SpanWindow window{number, static_cast<std::uint32_t>(question.size() + 2), {}};
    examples.ids.push_back(tokenizer_.cls());
    examples.ids.insert(examples.ids.end(), question.begin(), question.end());
    examples.ids.push_back(tokenizer_.sep());
    for (std::size_t i = begin; i < end; ++i) {
      examples.ids.push_back(context.ids[i]);
      window.places.push_back(context.places[i]);
    }
    examples.ids.push_back(tokenizer_.sep());
    examples.first_lengths.push_back(window.context_begin);
    examples.offsets.push_back(examples.ids.size());
    const auto [first, last] = answer_in(number, context, begin, end, window.context_begin);
    all_.begins.push_back(first);
    all_.ends.push_back(last);
    all_.windows.push_back(std::move(window));
  }

  std::pair<std::int64_t, std::int64_t> answer_in(std::size_t number, const PlacedTokens& context,
                                                  std::size_t begin, std::size_t end,
                                                  std::size_t context_begin) const {
    const auto& answers = questions_.questions[number].answers;
    if (answers.empty() || context.ids.empty()) return {0, 0};
    const auto [first, last] = tokens_of(answers.front(), context);
    if (first < begin || last >= end) return {0, 0};
    return {static_cast<std::int64_t>(first - begin + context_begin),
            static_cast<std::int64_t>(last - begin + context_begin)};
  }

  const Questions& questions_;
  const WordPiece& tokenizer_;
  const SpanWindowOptions& options_;
  std::vector<PlacedTokens> contexts_;
  SpanWindows all_;
};

}  // namespace

SpanWindows span_windows(const Questions& questions, const WordPiece& tokenizer,
                         const SpanWindowOptions& options, const ProgressSink& progress) {
  WindowMaker maker(questions, tokenizer, options);
  for (std::size_t i = 0; i < questions.questions.size(); ++i) {
    maker.add(i);
    if ((i + 1) % kQuestionsPerReport != 0) continue;
    if (interrupt_requested()) throw Interrupted("stopped while tokenizing");
    if (progress) progress({"tokenizing", i + 1, questions.questions.size(), "questions"});
  }
  return maker.all();
}

}  // namespace espalier
