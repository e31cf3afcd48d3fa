#include "pipeline/verbs/eval.h"

#include <fmt/format.h>

#include "arch/described_model.h"
#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "data/choice_task.h"
#include "data/questions/articles.h"
#include "pipeline/evaluations.h"
#include "pipeline/make_verb.h"

namespace espalier::pipeline {
namespace {

constexpr const char* kMaskedWords = "mlm";

/// "boolq, openbookqa, .."
std::string choice_names() {
  std::string names;
  for (const ChoiceTask& task : choice_tasks()) names += (names.empty() ? "" : ", ") + task.name;
  return names;
}

EvalSummary evaluate(const EvalOptions& options, const RunContext& context) {
  if (options.task.task == kQuestionTask) return eval_questions(options, context);
  const arch::ModelKind kind = arch::kind_of(arch::read_spec(Checkpoint::open(options.model)));
  if (kind == arch::ModelKind::kVision) return eval_images(options, context);
  const std::string& task = options.task.task;
  if (task.empty()) throw UserError("--task is missing", "name what to evaluate: --task cola");
  if (task == kMaskedWords) return eval_masked_words(options, context);
  // Encoders and decoders have tasks of their own; rte is both's.
  return kind == arch::ModelKind::kDecoder ? eval_language_model(options, context)
                                           : eval_task(options, context);
}

void describe_masked_words(options::OptionTable& table, MaskedWordOptions& options) {
  table.add("vocab", options.vocabulary, "FILE", "mlm: vocab.txt; default: the one in MODEL");
  table.add("tokens", options.tokens, "N", "mlm: stop after this many tokens").at_least(1);
  table.add("batch-tokens", options.batch_tokens, "N", "mlm: tokens of a batch").at_least(1);
  table
      .add("mask-share", options.mask_share, "SHARE",
           "mlm: of the tokens, predicted; the same ones in every run")
      .between(0, 1);
  table
      .add("examples", options.examples, "N",
           "mlm: also show this many masked texts and the model's best guesses")
      .shows("");
  table.add("cache", options.cache, "DIR", "mlm: folder that keeps the tokenized text").writes();
}

}  // namespace

void describe(options::OptionTable& table, EvalOptions& options) {
  table
      .positional(
          "model", options.model, "MODEL",
          "checkpoint folder of a BERT-shaped encoder, of a decoder, or of a vision model; of squad2 also a "
          "file of answers {\"id\": \"answer\"}")
      .require();
  describe_task(table, options.task,
                "mlm: restore masked pieces of text files; of decoders perplexity, " + choice_names() +
                    "; of encoders " + kQuestionTask + " ",
                "mlm, perplexity: text files (plain, .gz, .zst, perplexity: .jsonl); others: ");
  table.add(
      "split", options.split, "NAME",
      "of the task (default: dev; of a decoder's task, the one the harness takes); for text files, what "
      "the result calls them");
  table
      .add("seq-len", options.sequence_length, "N",
           "longest sequence, special tokens included (default: 128, of decoders 2048, or what the model "
           "holds)")
      .at_least(1);
  describe_masked_words(table, options.masked_words);
  table.add("stride", options.stride, "N", "perplexity: from window to window; default: no overlap")
      .at_least(1);
  describe_documents(table, options.documents);
  table.add("limit", options.limit, "N", "decoders: the first so many items or windows; default: all")
      .shows("");
  describe_stream(table, options.memory, "a mapped file");
  describe_images(table, options.images);
  table.add("out", options.out, "FILE", "write eval.json here");
}

EvalSummary eval(const EvalOptions& options, const RunContext& context) {
  EvalSummary summary = evaluate(options, context);
  if (!options.out.empty()) write_eval_result(options.out, summary.result);
  return summary;
}

nlohmann::ordered_json to_json(const EvalSummary& summary) {
  auto json = nlohmann::ordered_json::parse(eval_result_to_json(summary.result));
  for (const MaskedExample& example : summary.examples) {
    nlohmann::ordered_json guesses = nlohmann::ordered_json::array();
    for (const auto& [piece, probability] : example.guesses)
      guesses.push_back({{"piece", piece}, {"probability", probability}});
    json["masked_examples"].push_back(
        {{"text", example.text}, {"target", example.target}, {"guesses", guesses}});
  }
  return json;
}

std::string to_text(const EvalSummary& summary) {
  std::string text = summary.text;
  for (const MaskedExample& example : summary.examples) {
    text += fmt::format("\n  {}\n  was {}; the model says", example.text, example.target);
    for (const auto& guess : example.guesses) {
      text += fmt::format("{} {} ({:.0f}%)", &guess == &example.guesses.front() ? "" : ",", guess.piece,
                          100 * guess.probability);
    }
    text += '\n';
  }
  return text;
}

Verb eval_verb() {
  return make_verb(
      {"eval", "measure a model's quality on a task or on text",
       "Examples:\n  espalier eval runs/first/model --task mlm --data held_out.txt --examples 3\n"
       "  espalier eval runs/wordnet/model --task wordnet --split test\n"
       "  espalier eval mixtral --task perplexity --data wiki.test.raw\n"
       "  espalier eval mixtral --task arc_challenge --data eval",
       130},
      eval);
}

}  // namespace espalier::pipeline
