#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "checkpoint/checkpoint.h"

namespace espalier {

struct BertExport {
  std::string architecture;
  std::uint64_t parameters = 0;
};

/// Writes a dense encoder in Hugging Face's layout: config.json with the architecture its heads make
/// (BertForSequenceClassification, or BertForTokenClassification without a pooler, BertForMaskedLM,
/// BertModel), labels, and model.safetensors in `dtype` (a masked-language-model head's decoder is the word
/// embeddings, tied as Hugging Face ties them; beside a classifier there is none). Tokenizer files are the
/// caller's. `folder` exists.
BertExport export_bert(const Checkpoint& model, const std::filesystem::path& folder, Dtype dtype);
/// What it would write. Throws UserError naming the layers that still have a router, for which an ordinary
/// BERT has no place, and what is wrong with the checkpoint.
BertExport describe_bert(const Checkpoint& model);

}  // namespace espalier
