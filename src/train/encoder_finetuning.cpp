#include "train/encoder_finetuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "text/model_tokenizer.h"
#include "train/checkpoint.h"
#include "train/training_memory.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

void set_jitter(arch::ModelSpec& spec, double jitter) {
  for (auto& block : spec.blocks)
    if (block.moe() != nullptr) block.moe()->router.jitter = jitter;
}

}  // namespace

EncoderFinetuning::EncoderFinetuning(FinetuneOptions& options)
    : options_(options), tokenizer_(load_tokenizer(options.model)) {}

void EncoderFinetuning::start(Head head, const EncodedExamples& examples) {
  head_ = std::move(head);
  model_ = starting_model(options_.model, options_.upcycle, options_.seed, options_.note);
  if (options_.steps == 0) {
    const auto steps_per_epoch = (examples.size() - 1) / static_cast<std::uint64_t>(options_.batch) + 1;
    options_.steps = std::llround(std::ceil(options_.epochs * static_cast<double>(steps_per_epoch)));
  }
  prepare_model();
  expect_memory_for_steps(examples);
  start_pruning();
}

nlohmann::json EncoderFinetuning::resolved_options() const {
  auto resolved = starting_model_options(options_.model, options_.upcycle);
  resolved.update({{"model", options_.model.string()},
                   {"task", head_.task},
                   {"batch", options_.batch},
                   {"sequence_length", options_.sequence_length},
                   {"router_jitter", options_.router_jitter}});
  resolved.update(resolved_options_of(options_.prune));
  return resolved;
}

void EncoderFinetuning::save_result(const fs::path& run_folder, const fs::path& folder) {
  write_eval_result(run_folder / "eval.json", eval_result());
  auto saved = model_;
  saved.spec.training = training_;
  set_jitter(saved.spec, saved_jitter_);
  const bool dense = arch::moe_layers(saved.spec).empty();
  saved.fields["architectures"] = {(dense ? "Bert" : "EspalierBertMoe") + head_.saved_as};
  saved.fields["finetuning_task"] = head_.task;
  describe_saved(saved.fields);
  train::save(saved, folder, options_.model_dtype);
  copy_tokenizer(options_.model, folder);
}

void EncoderFinetuning::check_fits() const {
  const auto& input = model_.spec.text();
  if (tokenizer_.vocabulary_size() > input.vocabulary)
    throw UserError(fmt::format("{}: the vocabulary has {} pieces, the model's embeddings {}",
                                options_.model.string(), tokenizer_.vocabulary_size(), input.vocabulary),
                    "the tokenizer is not the model's");
  if (options_.sequence_length > input.positions)
    throw UserError(fmt::format("--seq-len {}: the model in {} holds positions for {} tokens",
                                options_.sequence_length, options_.model.string(), input.positions),
                    fmt::format("pass --seq-len {} or less", input.positions));
}

bool EncoderFinetuning::keeps_head() const {
  const auto& heads = model_.spec.heads;
  if (!heads.classifier || heads.pooler != head_.pooler || heads.labels != head_.labels) return false;
  if (model_.fields.value("finetuning_task", "") != head_.task) return false;
  if (options_.note)
    options_.note(
        fmt::format("{}: was fine-tuned on {}, its classifier is kept", options_.model.string(), head_.task));
  return true;
}

void EncoderFinetuning::prepare_model() {
  check_fits();
  train::drop_masked_words(model_);
  if (!keeps_head()) train::reset_classifier(model_, head_.labels, options_.seed);
  if (!head_.pooler) {
    model_.spec.heads.pooler = false;
    model_.pooler = {};
  }
  model_.spec.heads.problem_type = head_.problem_type;
  training_ = model_.spec.training;
  for (const auto& block : model_.spec.blocks)
    if (block.moe() != nullptr) saved_jitter_ = block.moe()->router.jitter;
  set_jitter(model_.spec, options_.router_jitter);
  if (options_.dropout)
    model_.spec.training.hidden_dropout = model_.spec.training.attention_dropout = *options_.dropout;
}

/// Batches of the mean length.
void EncoderFinetuning::expect_memory_for_steps(const EncodedExamples& examples) const {
  std::uint64_t longest = 0;
  for (std::size_t i = 0; i + 1 < examples.offsets.size(); ++i)
    longest = std::max(longest, examples.offsets[i + 1] - examples.offsets[i]);
  const double mean = static_cast<double>(examples.ids.size()) /
                      static_cast<double>(std::max<std::size_t>(1, examples.size()));
  const auto tokens = train::tokens_of_batch(options_.batch, mean);
  train::expect_training_memory(model_, {.tokens = tokens,
                                         .sequence_length = static_cast<std::int64_t>(longest),
                                         .predictions = head_.pooler ? options_.batch : tokens,
                                         .outputs = model_.spec.heads.label_count()});
}

void EncoderFinetuning::start_pruning() {
  if (options_.prune.schedule == PruneSchedule::kNone) return;
  auto rule = options_.prune;
  rule.steps = options_.steps;
  pruner_.emplace(model_, rule, options_.seed);
}

}  // namespace espalier
