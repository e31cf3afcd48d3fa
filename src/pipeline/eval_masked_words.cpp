#include <fmt/format.h>

#include "base/error.h"
#include "base/scratch_folder.h"
#include "pipeline/evaluations.h"
#include "report/quantities.h"
#include "text/model_tokenizer.h"
#include "text/tokenizer.h"

namespace espalier::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kGuesses = 3;
constexpr std::int64_t kLongestMasked = 128;

/// Defaults as in pre-training's validation, so that the losses compare; the masks never vary.
MlmOptions mlm_options(const EvalOptions& options, const arch::ModelSpec& spec, const WordPiece& tokenizer,
                       const fs::path& vocabulary) {
  const auto longest = options.sequence_length.value_or(std::min(kLongestMasked, spec.positions()));
  const std::int32_t mask = required_piece(tokenizer, tokenizer.special().mask, vocabulary);
  return {.sequence_length = longest,
          .batch_tokens = std::max(options.masked_words.batch_tokens, longest),
          .mask_share = options.masked_words.mask_share,
          .seed = 0,
          .cls = required_piece(tokenizer, tokenizer.special().cls, vocabulary),
          .sep = required_piece(tokenizer, tokenizer.special().sep, vocabulary),
          .mask = mask,
          .first_ordinary = mask + 1,
          .vocabulary = tokenizer.vocabulary_size()};
}

void check_masked_words(const EvalOptions& options, const infer::EncoderModel& model,
                        const WordPiece& tokenizer) {
  if (!model.masked_words) {
    throw UserError(fmt::format("{}: the model has no masked-language-model head (cls.predictions.*)",
                                options.model.string()),
                    "evaluate a model as `espalier pretrain` leaves it");
  }
  if (tokenizer.vocabulary_size() != model.vocabulary()) {
    throw UserError(fmt::format("{}: the vocabulary has {} pieces, the model {}", options.model.string(),
                                tokenizer.vocabulary_size(), model.vocabulary()),
                    "name the vocabulary the model was trained with (--vocab)");
  }
  if (options.sequence_length && *options.sequence_length > model.spec.positions()) {
    throw UserError(fmt::format("--seq-len {}: the model holds positions for {} tokens",
                                *options.sequence_length, model.spec.positions()),
                    fmt::format("--seq-len {} or less", model.spec.positions()));
  }
}

}  // namespace

EvalSummary eval_masked_words(const EvalOptions& options, const RunContext& context) {
  const MaskedWordOptions& own = options.masked_words;
  const fs::path vocabulary = own.vocabulary.empty() ? options.model : own.vocabulary;
  find_tokenizer(vocabulary);
  const infer::EncoderModel model = infer::load_encoder(Checkpoint::open(options.model));
  const WordPiece tokenizer = load_tokenizer(vocabulary);
  check_masked_words(options, model, tokenizer);
  if (options.task.data.empty())
    throw UserError("--task mlm: no text to evaluate on", "name text files with --data");
  const std::vector<fs::path> files(options.task.data.begin(), options.task.data.end());
  const ScratchFolder scratch;
  const fs::path cache = own.cache.empty() ? scratch.path() : own.cache;
  const auto corpus = TokenCorpus::build(files, tokenizer, cache, context.progress, context.note);
  MlmBatches batches(corpus, mlm_options(options, model.spec, tokenizer, vocabulary));
  const MaskedWords words = evaluate_masked_words(model, batches, own.tokens, context.progress);
  EvalSummary summary{options.model,
                      {options.task.task,
                       options.split.value_or("dev"),
                       words.predicted,
                       {{"loss", words.loss}, {"accuracy", words.accuracy}},
                       {},
                       {}},
                      {},
                      masked_examples(model, tokenizer, batches, own.examples, kGuesses)};
  summary.text = fmt::format("{}: loss {:.4f}, accuracy {:.2f}% of {} masked pieces in {} tokens\n",
                             options.model.string(), words.loss, 100 * words.accuracy,
                             grouped_text(static_cast<std::uint64_t>(words.predicted)),
                             grouped_text(static_cast<std::uint64_t>(words.tokens)));
  return summary;
}

}  // namespace espalier::pipeline
