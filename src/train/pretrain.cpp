#include "train/pretrain.h"

#include <fmt/format.h>

#include "arch/family.h"
#include "base/error.h"
#include "base/json.h"
#include "eval/masked_words.h"
#include "text/model_tokenizer.h"
#include "train/checkpoint.h"
#include "train/inference.h"
#include "train/pretrain_decoder.h"
#include "train/task_loss.h"
#include "train/trained_parts.h"
#include "train/training_loop.h"
#include "train/training_memory.h"

namespace espalier {
namespace {

/// Masking needs [CLS], [SEP] and [MASK], and random replacements are drawn from the pieces after [MASK].
void check_special_pieces(const WordPiece& tokenizer, const std::string& source) {
  const std::pair<const char*, std::int32_t> pieces[] = {
      {"[CLS]", tokenizer.cls()}, {"[SEP]", tokenizer.sep()}, {"[MASK]", tokenizer.mask()}};
  for (const auto& [piece, id] : pieces)
    if (id < 0)
      throw UserError(
          fmt::format("{}: no piece {}", source, piece),
          "masked language modelling needs it: train a vocabulary with `espalier tokenizer train`");
  if (tokenizer.mask() + 1 >= tokenizer.vocabulary_size())
    throw UserError(fmt::format("{}: no pieces after [MASK]", source),
                    "the special pieces come first in a BERT vocabulary");
}

/// A file, or the folder of a checkpoint that has its own.
std::filesystem::path tokenizer_source(const PretrainOptions& options) {
  if (!options.vocabulary.empty()) return options.vocabulary;
  if (std::filesystem::is_directory(options.model)) return options.model;
  throw UserError("--vocab is missing: an encoder needs its vocab.txt or tokenizer.json",
                  "make one with `espalier tokenizer train`");
}

void check_fits(const PretrainOptions& options, const WordPiece& tokenizer, const arch::TextInput& input) {
  const auto source = tokenizer_source(options).string();
  check_special_pieces(tokenizer, source);
  if (tokenizer.vocabulary_size() != input.vocabulary)
    throw UserError(
        fmt::format("{}: {} pieces, but vocab_size in {} is {}", source, tokenizer.vocabulary_size(),
                    options.model.string(), input.vocabulary),
        "train a vocabulary of that size (espalier tokenizer train --vocab-size), or change vocab_size");
  if (options.sequence_length > input.positions)
    throw UserError(
        fmt::format("--seq-len {}: the model in {} holds positions for {} tokens", options.sequence_length,
                    options.model.string(), input.positions),
        fmt::format("pass --seq-len {} or less, or change max_position_embeddings", input.positions));
}

MlmOptions mlm_options(const PretrainOptions& options, const WordPiece& tokenizer) {
  return {.sequence_length = options.sequence_length,
          .batch_tokens = options.batch_tokens,
          .mask_share = options.mask_share,
          .pair_share = options.pair_share,
          .seed = options.seed,
          .cls = tokenizer.cls(),
          .sep = tokenizer.sep(),
          .mask = tokenizer.mask(),
          .first_ordinary = tokenizer.mask() + 1,
          .vocabulary = tokenizer.vocabulary_size()};
}

class MaskedLanguageModelling : public Objective {
 public:
  explicit MaskedLanguageModelling(const PretrainOptions& options)
      : options_(options),
        tokenizer_(load_tokenizer(tokenizer_source(options))),
        model_(starting_model(options.model, options.upcycle, options.seed, options.note)),
        trained_(train::parse_trained_parts(options.train, model_.spec)) {
    check_fits(options_, tokenizer_, model_.spec.text());
    train::ensure_masked_words(model_, options.seed);
    train::drop_classifier(model_);
    saved_spec_ = model_.spec;
    if (options.dropout)
      model_.spec.training.hidden_dropout = model_.spec.training.attention_dropout = *options.dropout;
    for (auto& block : model_.spec.blocks)
      if (options.router_jitter && block.moe() != nullptr)
        block.moe()->router.jitter = *options.router_jitter;
    const auto masked = options.mask_share * static_cast<double>(options.batch_tokens);
    train::expect_training_memory(model_, {.tokens = options.batch_tokens,
                                           .sequence_length = options.sequence_length,
                                           .predictions = static_cast<std::int64_t>(masked),
                                           .outputs = tokenizer_.vocabulary_size()});
  }

  void prepare() override {
    const auto cache = options_.cache.empty() ? options_.out / "corpus" : options_.cache;
    corpus_.emplace(TokenCorpus::build(options_.text, tokenizer_, cache, options_.progress, options_.note));
    batches_.emplace(*corpus_, mlm_options(options_, tokenizer_));
    if (options_.validation_text.empty()) return;
    validation_corpus_.emplace(
        TokenCorpus::build(options_.validation_text, tokenizer_, cache, options_.progress, options_.note));
    auto held_out = mlm_options(options_, tokenizer_);
    held_out.seed = 0;  // the same masks for every run, so that losses compare
    validation_batches_.emplace(*validation_corpus_, held_out);
  }

  nlohmann::json resolved_options() const override {
    const auto paths = [](const std::vector<std::filesystem::path>& files) {
      auto list = nlohmann::json::array();
      for (const auto& file : files) list.push_back(file.string());
      return list;
    };
    auto resolved = starting_model_options(options_.model, options_.upcycle);
    resolved.update({{"vocabulary", options_.vocabulary.string()},
                     {"text", paths(options_.text)},
                     {"validation_text", paths(options_.validation_text)},
                     {"corpus_key", corpus_->key()},
                     {"batch_tokens", options_.batch_tokens},
                     {"sequence_length", options_.sequence_length},
                     {"mask_share", options_.mask_share},
                     {"pair_share", options_.pair_share}});
    // What is not usual is said, so that runs of before these options can be resumed.
    if (!options_.train.empty()) resolved["train"] = options_.train;
    if (options_.router_jitter) resolved["router_jitter"] = *options_.router_jitter;
    if (options_.expert_rate != 1.0) resolved["expert_rate"] = options_.expert_rate;
    return resolved;
  }

  std::int64_t parameter_count() const override { return train::parameter_count(model_); }

  std::vector<OptimizedParameter> parameters() override {
    std::vector<OptimizedParameter> parameters;
    for (auto& parameter : train::parameters(model_)) {
      if (!learns(parameter)) continue;
      parameters.push_back(optimized(parameter.name, *parameter.value));
      if (parameter.experts > 0) parameters.back().rate = options_.expert_rate;
    }
    return parameters;
  }

  StepLoss loss(CorpusCursor& cursor, const train::ForwardOptions& options) override {
    const auto batch = batches_->next(cursor);
    const auto loss = masked_loss(model_, batch, options);
    return {loss.mlm, loss.balance, static_cast<std::int64_t>(batch.ids.size())};
  }

  void describe(MetricsLine& line, double mean_task_loss) const override { line.mlm_loss = mean_task_loss; }

  std::optional<double> validate(MetricsLine&) override {
    if (!validation_batches_) return std::nullopt;
    return evaluate_masked_words(train::encoder_of(model_), *validation_batches_, options_.validation_tokens)
        .loss;
  }

  void save_result(const std::filesystem::path& /*run_folder*/,
                   const std::filesystem::path& folder) override {
    auto model = model_;
    model.spec = saved_spec_;
    train::save(model, folder, options_.model_dtype,
                [this](const train::Parameter& parameter) { return trained_.has(parameter); });
    copy_tokenizer(tokenizer_source(options_), folder);
  }

 private:
  /// The pooler is not seen by this loss.
  bool learns(const train::Parameter& parameter) const {
    return parameter.trained && parameter.value->defined() && trained_.has(parameter) &&
           parameter.parts.front().key.role != arch::Role::kPooler;
  }

  const PretrainOptions& options_;
  WordPiece tokenizer_;
  train::Transformer model_;    // its spec has the dropout and jitter of this run
  arch::ModelSpec saved_spec_;  // as it will be saved
  train::TrainedParts trained_;
  std::optional<TokenCorpus> corpus_, validation_corpus_;
  std::optional<MlmBatches> batches_, validation_batches_;
};

}  // namespace

TrainingSummary pretrain(const PretrainOptions& options) {
  const auto& model = options.model;
  const auto config = std::filesystem::is_directory(model) ? model / "config.json" : model;
  if (arch::read_spec(read_json(config), config.string()).heads.language) return pretrain_decoder(options);
  MaskedLanguageModelling objective(options);
  return run_training("pretrain", objective, options);
}

}  // namespace espalier
