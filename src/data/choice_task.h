#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "data/task_files.h"
#include "text/tokenizer.h"

namespace espalier {

/// A question with a few answers, as text that a language model scores: the answer whose continuation is
/// most probable after its context wins. As the LM evaluation harness words it (EleutherAI, version 0.4),
/// zero-shot.
struct ChoiceItem {
  std::vector<std::string> contexts;       ///< one for each answer; mostly all the same
  std::vector<std::string> continuations;  ///< with the space before
  std::vector<std::size_t> lengths;        ///< characters of the answers, without that space
  std::size_t gold = 0;                    ///< the right answer
};

/// How a data set's items are found, read and worded.
struct ChoiceTask {
  std::string name;                  ///< as --task says it
  std::vector<std::string> folders;  ///< names to look for under --data
  std::string split;                 ///< on which the harness measures
  bool normalised = false;           ///< accuracy by log-likelihood a character is measured too
  ChoiceItem (*item)(JsonObject& row);
};

/// boolq, openbookqa, arc_easy, arc_challenge, piqa, winogrande, hellaswag, mmlu, rte.
std::span<const ChoiceTask> choice_tasks();
/// nullptr where there is none of this name.
const ChoiceTask* find_choice_task(std::string_view name);

/// The file of a split: SPLIT.jsonl in a folder of the task under --data, or in --data itself, plain, .gz or
/// .zst; dev and validation are also val and val_subset2000. RTE: GLUE's tsv.
std::filesystem::path find_choice_file(const ChoiceTask& task, const TaskFiles& data, std::string_view split);

/// Throws UserError naming file, line and field.
std::vector<ChoiceItem> read_choice_items(const ChoiceTask& task, const std::filesystem::path& file);

/// A continuation to score: tokens of context and continuation; the last `scored` are the continuation's.
struct ScoredSequence {
  std::vector<std::int64_t> ids;
  std::int64_t scored = 0;
};

/// The two tokenized as one text, as the harness does: spaces at the context's end go to the continuation.
/// Longer than `positions` + 1 tokens: cut at the left. Without context the tokenizer's BOS (else EOS) is
/// one.
ScoredSequence encode_choice(const Tokenizer& tokenizer, std::string_view context,
                             std::string_view continuation, std::int64_t positions);

/// "accuracy", "accuracy_norm" and their standard errors ("accuracy_stderr"): of
/// `log_likelihoods`[item][answer], in nats. Ties go to the first answer.
std::map<std::string, double> choice_metrics(const ChoiceTask& task, std::span<const ChoiceItem> items,
                                             std::span<const std::vector<double>> log_likelihoods);

}  // namespace espalier
