#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "artifacts/eval_result.h"
#include "base/error.h"
#include "base/scratch_folder.h"
#include "cli/engine/eval_arguments.h"
#include "cli/terminal.h"
#include "eval/masked_words.h"
#include "text/model_tokenizer.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kGuesses = 3;
constexpr std::int64_t kSequenceLength = 128;

/// Defaults as in pre-training's validation, so that the losses compare; the masks never vary.
MlmOptions mlm_options(const EvalArguments& arguments, const BertMoeConfig& config,
                       const WordPiece& tokenizer, const fs::path& vocabulary) {
  const auto longest =
      arguments.sequence_length.value_or(std::min(kSequenceLength, config.max_position_embeddings));
  const std::int32_t mask = required_piece(tokenizer, "[MASK]", vocabulary);
  return {.sequence_length = longest,
          .batch_tokens = std::max(arguments.batch_tokens, longest),
          .mask_share = arguments.mask_share,
          .seed = 0,
          .cls = required_piece(tokenizer, "[CLS]", vocabulary),
          .sep = required_piece(tokenizer, "[SEP]", vocabulary),
          .mask = mask,
          .first_ordinary = mask + 1,
          .vocabulary = tokenizer.vocabulary_size()};
}

void check(const EvalArguments& arguments, const infer::EncoderModel& model, const WordPiece& tokenizer) {
  const BertMoeConfig& config = model.config;
  if (!model.masked_words) {
    throw UserError(
        fmt::format("{}: the model has no masked-language-model head (cls.predictions.*)", arguments.model),
        "evaluate a model as `espalier pretrain` leaves it");
  }
  if (tokenizer.vocabulary_size() != config.vocab_size) {
    throw UserError(fmt::format("{}: the vocabulary has {} pieces, the model {}", arguments.model,
                                tokenizer.vocabulary_size(), config.vocab_size),
                    "name the vocabulary the model was trained with (--vocab)");
  }
  if (arguments.sequence_length && *arguments.sequence_length > config.max_position_embeddings) {
    throw UserError(fmt::format("--seq-len {}: the model holds positions for {} tokens",
                                *arguments.sequence_length, config.max_position_embeddings),
                    fmt::format("--seq-len {} or less", config.max_position_embeddings));
  }
}

void print_examples(const std::vector<MaskedExample>& examples) {
  for (const MaskedExample& example : examples) {
    std::cout << fmt::format("\n  {}\n  was {}; the model says", example.text, example.target);
    for (const auto& guess : example.guesses) {
      std::cout << fmt::format("{} {} ({:.0f}%)", &guess == &example.guesses.front() ? "" : ",", guess.piece,
                               100 * guess.probability);
    }
    std::cout << '\n';
  }
}

}  // namespace

void eval_masked_words(const EvalArguments& arguments, const GlobalOptions& global) {
  if (global.json && arguments.examples > 0) {
    throw UserError("--examples prints text, which --json does not hold", "leave out one of them");
  }
  const infer::EncoderModel model = infer::load_encoder(Checkpoint::open(arguments.model));
  const fs::path vocabulary = arguments.vocabulary.empty() ? arguments.model : arguments.vocabulary;
  const WordPiece tokenizer = load_tokenizer(vocabulary);
  check(arguments, model, tokenizer);
  if (arguments.data.empty())
    throw UserError("--task mlm: no text to evaluate on", "name text files with --data");
  const std::vector<fs::path> files(arguments.data.begin(), arguments.data.end());
  const Terminal terminal(global);
  const ScratchFolder scratch;
  const fs::path cache = arguments.cache.empty() ? scratch.path() : fs::path(arguments.cache);
  const auto corpus = TokenCorpus::build(files, tokenizer, cache, terminal.progress(), terminal.notes());
  MlmBatches batches(corpus, mlm_options(arguments, model.config, tokenizer, vocabulary));
  const MaskedWords words = evaluate_masked_words(model, batches, arguments.tokens, terminal.progress());
  terminal.finish();
  const EvalResult result{arguments.task,
                          arguments.split.value_or("dev"),
                          words.predicted,
                          {{"loss", words.loss}, {"accuracy", words.accuracy}}};
  if (!arguments.out.empty()) write_eval_result(arguments.out, result);
  if (global.json) {
    std::cout << eval_result_to_json(result);
    return;
  }
  std::cout << fmt::format("{}: loss {:.4f}, accuracy {:.2f}% of {} masked pieces in {} tokens\n",
                           arguments.model, words.loss, 100 * words.accuracy,
                           grouped_text(static_cast<std::uint64_t>(words.predicted)),
                           grouped_text(static_cast<std::uint64_t>(words.tokens)));
  print_examples(masked_examples(model, tokenizer, batches, arguments.examples, kGuesses));
}

}  // namespace espalier
