#include <fmt/format.h>

#include "cli/engine.h"
#include "cli/engine/engine_verbs.h"
#include "nn/threads.h"

namespace espalier {
namespace {

constexpr Verb kEngineVerbs[] = {
    {"align", "put neurons in order before experts are merged", add_align},
    {"corpus", "write pre-training text from WordNet and GCIDE without held-out definitions", add_corpus},
    {"tokenizer", "train a WordPiece vocabulary", add_tokenizer},
    {"tokenize", "turn lines of text into token ids", add_tokenize},
    {"bench", "time models side by side: tokens per second and peak memory", add_bench},
    {"compare", "measure how far two language models are apart on text", add_compare},
    {"eval", "measure a model's quality on a task or on text", add_eval},
    {"export", "write a dense model that other programs load", add_export},
    {"finetune", "fine-tune an encoder on a task and prune its experts on the way", add_finetune},
    {"generate", "continue a text with a language model", add_generate},
    {"logits", "run the forward pass on given tokens and write its outputs", add_logits},
    {"doctor", "print what this machine offers, with a measured matmul rate", add_doctor},
    {"observe", "say what each expert of a language model does on your text", add_observe},
    {"predict", "label lines of text with a fine-tuned model", add_predict},
    {"pretrain", "pre-train an encoder on text by masked language modelling", add_pretrain},
    {"sweep", "fine-tune in settings x tasks x seeds and compare them", add_sweep},
};

}  // namespace

std::span<const Verb> engine_verbs() {
  return kEngineVerbs;
}

void start_engine(int threads) {
  configure_engine(threads);
}

std::string engine_libraries() {
  std::string text;
  for (const auto& [library, version] : library_versions()) {
    if (library == "espalier") continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", library, version);
  }
  return text;
}

}  // namespace espalier
