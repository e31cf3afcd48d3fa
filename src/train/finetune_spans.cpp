#include "train/finetune_spans.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/hash.h"
#include "data/questions/answer_metrics.h"
#include "data/questions/articles.h"
#include "data/questions/span_windows.h"
#include "eval/span_evaluation.h"
#include "train/encoder_finetuning.h"
#include "train/inference.h"

namespace espalier {
namespace {

std::string hash_of(const SpanWindows& windows) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(windows.examples.ids)));
  hash.update(std::as_bytes(std::span(windows.examples.offsets)));
  hash.update(std::as_bytes(std::span(windows.begins)));
  hash.update(std::as_bytes(std::span(windows.ends)));
  return hash.hex();
}

/// Mean cross entropy of the answer's first and last token among those of its window; scores [N, 2].
torch::Tensor span_loss(const torch::Tensor& scores, const ExampleBatch& batch, const SpanWindows& windows) {
  std::vector<torch::Tensor> losses;
  for (std::size_t b = 0; b < batch.size(); ++b) {
    const auto rows = scores.slice(0, batch.offsets[b], batch.offsets[b + 1]);
    const auto shares = torch::log_softmax(rows, 0);
    const auto place = batch.places[b];
    losses.push_back(-(shares[windows.begins[place]][0] + shares[windows.ends[place]][1]) / 2);
  }
  return torch::stack(losses).mean();
}

class SpanFinetuning : public EncoderFinetuning {
 public:
  explicit SpanFinetuning(FinetuneOptions& options)
      : EncoderFinetuning(options),
        split_(read_question_split(options.data, "train")),
        train_(windows_of(split_.questions)),
        batches_(train_.examples, {.batch_size = options.batch, .seed = options.seed}) {
    if (options.hold_out > 0.0 || options.train_examples)
      throw UserError(fmt::format("--hold-out and --train-examples: {} has no rows", kQuestionTask),
                      "name the files: --data train=FILE dev=FILE");
    start({kQuestionTask, "ForTokenClassification", span_labels(), false, std::nullopt}, train_.examples);
  }

  void prepare() override {
    dev_ = read_question_split(options_.data, "dev").questions;
    if (options_.note)
      options_.note(fmt::format("{} questions in {} windows of up to {} tokens; {} are measured",
                                split_.questions.questions.size(), train_.windows.size(),
                                options_.sequence_length, dev_.questions.size()));
  }

  nlohmann::json resolved_options() const override {
    auto resolved = EncoderFinetuning::resolved_options();
    resolved.update({{"data", split_.files.front().string()},
                     {"examples_sha256", hash_of(train_)},
                     {"examples", train_.windows.size()}});
    return resolved;
  }

  StepLoss loss(CorpusCursor& cursor, const train::ForwardOptions& options) override {
    const auto batch = batches_.next(cursor);
    const SequenceLayout layout{batch.offsets};
    const auto encoding = train::encode(
        model_, {torch::tensor(batch.ids, torch::kInt64), torch::tensor(batch.types, torch::kInt64), layout},
        options);
    const auto scores =
        ops(options.backend).linear(encoding.hidden, model_.classifier.weight, model_.classifier.bias);
    return {span_loss(scores, batch, train_), encoding.balance_loss,
            static_cast<std::int64_t>(batch.ids.size())};
  }

  std::optional<double> validate(MetricsLine& line) override {
    evaluate();
    line.valid_metrics = *metrics_;
    return std::nullopt;
  }

  EvalResult eval_result() override {
    if (!metrics_) evaluate();  // resumed at its end
    EvalResult result{kQuestionTask, "dev", static_cast<std::int64_t>(dev_.questions.size()), *metrics_};
    result.settings["no_answer_threshold"] = fmt::format("{:.4f}", threshold_);
    Predictions none;
    for (const auto& question : dev_.questions) none[question.id] = "";
    result.baselines["no_answer"] = answer_metrics(dev_, none, "baseline");
    return result;
  }

 protected:
  void describe_saved(nlohmann::json& config) override { config["no_answer_threshold"] = threshold_; }

 private:
  SpanWindows windows_of(const Questions& questions) const {
    return span_windows(questions, tokenizer_, {.max_length = options_.sequence_length}, options_.progress);
  }

  /// The threshold on the questions of the first file, which has some without an answer; then dev.
  void evaluate() {
    const auto model = train::encoder_of(model_);
    Questions known = split_.questions;
    known.questions.resize(split_.of_first_file);
    threshold_ = best_threshold(known, answer_questions(model, known, windows_of(known), options_.progress));
    const auto answers = answer_questions(model, dev_, windows_of(dev_), options_.progress);
    metrics_ = answer_metrics(dev_, decided(dev_, answers, threshold_), "dev");
  }

  QuestionSplit split_;
  SpanWindows train_;
  ExampleBatches batches_;
  Questions dev_;
  double threshold_ = 0.0;
  std::optional<Metrics> metrics_;  // the last ones
};

}  // namespace

FinetuneSummary finetune_spans(FinetuneOptions& options) {
  SpanFinetuning objective(options);
  return run_finetuning(objective, options);
}

}  // namespace espalier
