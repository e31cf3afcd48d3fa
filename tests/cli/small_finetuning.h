#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/small_pretraining.h"

namespace espalier {

/// A Mixture-of-Experts model (4 experts in both blocks) that was pre-trained for a moment, and a task a word
/// decides: label "yes" where w1 stands, else "no".
class SmallFinetuning {
 public:
  SmallFinetuning()
      : config(folder.write("config.json",
                            R"({"model_type": "espalier_bert_moe", "vocab_size": 45, "hidden_size": 32,
          "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48, "max_position_embeddings": 32,
          "moe_layers": [0, 1], "num_experts": 4, "initializer_range": 0.2})")),
        vocabulary(folder.write("vocab.txt", SmallPretraining::vocabulary_of(40))),
        text(folder.write("text.txt", SmallPretraining::text_of(100, 1))) {
    std::filesystem::create_directories(folder / "task");
    folder.write("task/train.tsv", rows_of(600, 1));
    folder.write("task/dev.tsv", rows_of(100, 2));
    const auto run =
        run_program({"pretrain", config, "--vocab", vocabulary, "--text", text, "--seq-len", "32",
                     "--batch-tokens", "64", "--steps", "2", "--threads", "1", "--out", path("pretrained")});
    EXPECT_EQ(run.exit_code, 0) << run.err;
  }

  /// `finetune` into the folder `out`, with more options or others in the place of these.
  std::vector<std::string> command(const std::string& out, const std::vector<std::string>& more = {}) const {
    return SmallPretraining::with({"finetune",        path("pretrained/model"),
                                   "--task",          "table",
                                   "--data",          path("task"),
                                   "--text-column",   "sentence",
                                   "--batch",         "16",
                                   "--steps",         "80",
                                   "--learning-rate", "3e-3",
                                   "--seq-len",       "32",
                                   "--threads",       "1",
                                   "--out",           path(out)},
                                  more);
  }

  std::string path(const std::string& name) const { return (folder / name).string(); }

  static std::string rows_of(int count, unsigned seed) {
    std::string rows = "sentence\tlabel\n";
    unsigned state = seed * 7919U;
    for (int i = 0; i < count; ++i) {
      bool yes = false;
      state = state * 1664525U + 1013904223U;
      for (unsigned words = 3 + (state >> 27) % 8; words > 0; --words) {
        state = state * 1664525U + 1013904223U;
        const unsigned word = (state >> 24) % 12;
        yes |= word == 1;
        rows += "w" + std::to_string(word) + " ";
      }
      rows += yes ? "\tyes\n" : "\tno\n";
    }
    return rows;
  }

  TemporaryFolder folder;
  std::string config, vocabulary, text;
};

}  // namespace espalier
