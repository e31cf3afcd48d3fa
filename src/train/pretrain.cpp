#include "train/pretrain.h"

#include <fmt/format.h>

#include <cmath>

#include "arch/bert_config.h"
#include "artifacts/metrics.h"
#include "artifacts/run_manifest.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/rng.h"
#include "base/stopwatch.h"
#include "eval/masked_words.h"
#include "model/bert_checkpoint.h"
#include "nn/threads.h"
#include "train/loss_window.h"
#include "train/pretrain_options.h"
#include "train/schedule.h"
#include "train/train_state.h"

namespace espalier {
namespace {

constexpr std::uint64_t kDropoutStream = 3;

std::vector<OptimizedParameter> trainable(BertModel& model) {
  std::vector<OptimizedParameter> parameters;
  visit_parameters(model, [&](const std::string& name, torch::Tensor& value) {
    if (name.starts_with("bert.pooler")) return;  // the masked-language-model loss does not see it
    value.set_requires_grad(true);
    parameters.push_back(
        {name, value, torch::zeros_like(value), torch::zeros_like(value), weight_decays(name)});
  });
  return parameters;
}

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

class Run {
 public:
  explicit Run(const PretrainOptions& options)
      : options_(options),
        tokenizer_(WordPiece::load(options.vocabulary, {})),
        config_(parse_bert_config(read_json(options.config), options.config.string())),
        model_(initialize_bert(config_, options.seed)) {
    if (options.dropout)
      model_.config.hidden_dropout_prob = model_.config.attention_probs_dropout_prob = *options.dropout;
    check_special_pieces(tokenizer_, options.vocabulary.string());
    if (tokenizer_.vocabulary_size() != model_.config.vocab_size)
      throw UserError(
          fmt::format("{}: {} pieces, but vocab_size in {} is {}", options.vocabulary.string(),
                      tokenizer_.vocabulary_size(), options.config.string(), model_.config.vocab_size),
          "train a vocabulary of that size (espalier tokenizer train --vocab-size), or change vocab_size");
  }

  PretrainSummary operator()() {
    if (options_.start == RunStart::kNew)
      create_output_folder(options_.out, options_.if_exists);
    else if (!std::filesystem::exists(options_.out / "manifest.json"))
      throw UserError(fmt::format("{}: no run to resume: there is no manifest.json", options_.out.string()),
                      "pass the folder of the run that was stopped, or start a new one without --resume");
    if (options_.start == RunStart::kNew) discard_train_state(options_.out);
    prepare_data();
    if (options_.start == RunStart::kResume)
      check_same_options(options_, resolved_options(options_, config_, corpus_->key()));
    AdamW optimizer(options_.adamw, trainable(model_));
    const auto state =
        options_.start == RunStart::kResume ? load_train_state(options_.out, optimizer) : std::nullopt;
    if (state) {
      progress_ = *state;
      saved_step_ = state->step;
    }
    metrics_.emplace(options_.out / "metrics.jsonl",
                     options_.start == RunStart::kResume ? std::optional(progress_.step) : std::nullopt);
    write_status(RunStatus::kRunning);
    try {
      train(optimizer);
    } catch (const Interrupted&) {
      write_status(RunStatus::kInterrupted);
      throw;
    } catch (const std::exception& error) {
      write_status(RunStatus::kFailed, error.what());
      throw;
    }
    save_model();
    write_status(RunStatus::kFinished);
    return {progress_.step, progress_.tokens_seen, progress_.seconds, last_loss_, last_validation_};
  }

 private:
  void prepare_data() {
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

  void train(AdamW& optimizer) {
    const LinearSchedule schedule{options_.learning_rate,
                                  std::llround(options_.warmup_share * static_cast<double>(options_.steps)),
                                  options_.steps};
    const double seconds_before = progress_.seconds;
    Stopwatch session;
    window_ = LossWindow{};
    while (progress_.step < options_.steps) {
      step(optimizer, schedule.at(progress_.step + 1));
      progress_.seconds = seconds_before + session.seconds();
      const bool last = progress_.step == options_.steps;
      const bool validate = validation_batches_ && (last || progress_.step % options_.validate_every == 0);
      if (validate)
        last_validation_ =
            evaluate_masked_words(model_, *validation_batches_, options_.validation_tokens, options_.backend)
                .loss;
      if (last || validate || progress_.step % options_.log_every == 0)
        log(schedule.at(progress_.step), validate ? last_validation_ : std::nullopt);
      const bool stop = interrupt_requested() && !last;
      if (last || stop || progress_.step % options_.save_every == 0) save(optimizer);
      if (stop)
        throw Interrupted(fmt::format("stopped after step {}; the state is in {}, go on with --resume",
                                      progress_.step, options_.out.string()));
    }
  }

  void step(AdamW& optimizer, double learning_rate) {
    const auto batch = batches_->next(progress_.cursor);
    const auto seed =
        counter_random(options_.seed, kDropoutStream, static_cast<std::uint64_t>(progress_.step));
    const auto loss = masked_loss(model_, batch,
                                  {.backend = options_.backend,
                                   .mode = Mode::kTraining,
                                   .seed = seed,
                                   .on_routing = [this](std::int64_t block, const Routing& routing) {
                                     window_.add_routing(block, routing);
                                   }});
    auto total = loss.mlm;
    if (loss.balance.defined()) total = total + options_.balance_weight * loss.balance;
    const double value = total.item<double>();
    if (!std::isfinite(value)) fail_at_step("loss", value);
    total.backward();
    const double norm = optimizer.step(learning_rate);
    if (!std::isfinite(norm)) fail_at_step("gradient norm", norm);
    ++progress_.step;
    const auto tokens = static_cast<std::int64_t>(batch.ids.size());
    progress_.tokens_seen += tokens;
    const double balance = loss.balance.defined() ? loss.balance.item<double>() : 0.0;
    window_.add_step(loss.mlm.item<double>(), balance, norm, tokens);
  }

  void save(AdamW& optimizer) {
    save_train_state(options_.out, optimizer, progress_);
    saved_step_ = progress_.step;
  }

  [[noreturn]] void fail_at_step(std::string_view what, double value) const {
    throw UserError(
        fmt::format("{}: the {} of step {} is {}", options_.out.string(), what, progress_.step + 1, value),
        saved_step_ ? fmt::format("state.safetensors holds step {}: --resume goes on from it, with a smaller "
                                  "--learning-rate or --clip-norm",
                                  *saved_step_)
                    : "no state was saved yet: start again with a smaller --learning-rate or --clip-norm");
  }

  void log(double learning_rate, std::optional<double> validation) {
    auto line = window_.line(options_.balance_weight);
    last_loss_ = *line.mlm_loss;
    line.step = progress_.step;
    line.valid_loss = validation;
    line.lr = learning_rate;
    line.tokens = progress_.tokens_seen;
    line.seconds = progress_.seconds;
    line.rss_bytes = resident_bytes();
    metrics_->append(line);
    if (options_.progress) {
      const auto detail = fmt::format("loss {:.3f}, {:.0f} tokens/s", line.loss, line.tokens_per_second);
      options_.progress({"pretraining", static_cast<std::uint64_t>(progress_.step),
                         static_cast<std::uint64_t>(options_.steps), "steps", detail});
    }
    window_ = LossWindow{};
  }

  void save_model() {
    const auto folder = options_.out / "model";
    auto model = model_;
    model.config = config_;
    save_bert(model, folder, options_.model_dtype);
    write_file(folder / "vocab.txt", read_file(options_.vocabulary));
  }

  void write_status(RunStatus status, std::optional<std::string> message = {}) {
    RunManifest manifest;
    manifest.verb = "pretrain";
    manifest.command = options_.command;
    manifest.status = status;
    manifest.message = std::move(message);
    if (started_at_.empty()) started_at_ = utc_now();
    manifest.started_at = started_at_;
    manifest.options = resolved_options(options_, config_, corpus_->key());
    manifest.versions = library_versions();
    manifest.seed = options_.seed;
    manifest.machine = {cpu_name(), at::get_num_threads(), memory_bytes()};
    manifest.parameters = static_cast<std::uint64_t>(parameter_count(model_));
    manifest.timings_seconds["train"] = progress_.seconds;
    manifest.peak_rss_bytes = peak_resident_bytes();
    write_manifest(options_.out / "manifest.json", manifest);
  }

  PretrainOptions options_;
  WordPiece tokenizer_;
  BertMoeConfig config_;
  BertModel model_;  // its config has the dropout of this run
  std::optional<TokenCorpus> corpus_, validation_corpus_;
  std::optional<MlmBatches> batches_, validation_batches_;
  std::optional<MetricsWriter> metrics_;
  TrainProgress progress_;
  std::optional<std::int64_t> saved_step_;
  LossWindow window_;
  double last_loss_ = 0.0;
  std::optional<double> last_validation_;
  std::string started_at_;
};

}  // namespace

PretrainSummary pretrain(const PretrainOptions& options) {
  return Run(options)();
}

}  // namespace espalier
