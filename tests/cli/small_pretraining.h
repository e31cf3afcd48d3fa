#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/run_program.h"

namespace espalier {

/// A config, a vocabulary and a text that pre-train in a moment, in a folder of their own.
class SmallPretraining {
 public:
  SmallPretraining()
      : config(folder.write("config.json",
                            R"({"model_type": "espalier_bert_moe", "vocab_size": 45, "hidden_size": 32,
          "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48, "max_position_embeddings": 32,
          "moe_layers": [1], "num_experts": 4})")),
        vocabulary(folder.write("vocab.txt", vocabulary_of(40))),
        text(folder.write("text.txt", text_of(400, 1))),
        held_out(folder.write("held-out.txt", text_of(40, 2))) {}

  /// `pretrain` into the folder `out`, with more options or others in the place of these.
  std::vector<std::string> command(const std::string& out, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"pretrain",  config,    "--vocab",   vocabulary, "--text",         text,
                                   "--out",     path(out), "--seq-len", "32",       "--batch-tokens", "256",
                                   "--threads", "1"};
    return with(std::move(words), more);
  }

  /// `words` and `more`; an option of `more` that `words` has too takes its place.
  static std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
    for (const std::string& option : more) {
      const auto at = option.starts_with("--") ? std::find(words.begin(), words.end(), option) : words.end();
      if (at != words.end()) words.erase(at, at + 2);  // all of these take a value
    }
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  std::string path(const std::string& name) const { return (folder / name).string(); }

  static std::string vocabulary_of(int words) {
    std::string pieces = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (int i = 0; i < words; ++i) pieces += "w" + std::to_string(i) + "\n";
    return pieces;
  }

  /// Documents of 3 to 42 words, every second one w0, so that there is something to learn at once.
  static std::string text_of(int documents, unsigned seed) {
    std::string text;
    unsigned state = seed;
    for (int document = 0; document < documents; ++document) {
      unsigned word = (state = state * 1664525U + 1013904223U) >> 8;
      for (unsigned left = 3 + (state >> 20) % 40; left > 0; --left) {
        state = state * 1664525U + 1013904223U;
        word += 1 + (state >> 30 & 1U);
        text += "w" + std::to_string((state >> 29 & 1U) != 0 ? 0 : word % 40) + " ";
      }
      text += "\n\n";
    }
    return text;
  }

  TemporaryFolder folder;
  std::string config, vocabulary, text, held_out;
};

}  // namespace espalier
