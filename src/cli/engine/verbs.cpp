#include "cli/engine/engine_verbs.h"

namespace espalier {
namespace {

const Verb kEngineVerbs[] = {
    {"align", "put neurons in order before experts are merged", add_align},
    {"tokenizer", "train a WordPiece vocabulary or a byte-level BPE tokenizer", add_tokenizer},
    {"tokenize", "turn lines of text into token ids", add_tokenize},
    {"bench", "time models side by side: tokens per second and peak memory", add_bench},
    {"compare", "measure how far two language models are apart on text", add_compare},
    {"eval", "measure a model's quality on a task or on text", add_eval},
    {"export", "write a dense model that other programs load", add_export},
    {"generate", "continue a text with a language model", add_generate},
    {"logits", "run the forward pass on given tokens and write its outputs", add_logits},
    {"doctor", "print what this machine offers, with a measured matmul rate", add_doctor},
    {"observe", "say what each expert of a language model does on your text", add_observe},
    {"predict", "label lines of text with a fine-tuned model", add_predict},
    {"sweep", "fine-tune in settings x tasks x seeds, or prune by many methods, and compare", add_sweep},
};

}  // namespace

std::span<const Verb> engine_verbs() {
  return kEngineVerbs;
}

}  // namespace espalier
