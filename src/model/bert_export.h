#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/dtype.h"
#include "model/bert.h"

namespace espalier {

/// Throws UserError naming the layers that still have a router, if any: an ordinary BERT has no place for
/// them. `source` opens the message.
void check_exports_as_bert(const BertModel& model, std::string_view source);

/// Writes a dense model in Hugging Face's layout: config.json with the architecture its heads make
/// (BertForSequenceClassification, BertForMaskedLM, BertModel), labels, and model.safetensors (a
/// masked-language-model head's decoder is the word embeddings, tied as Hugging Face ties them). Tokenizer
/// files are the caller's. Returns the architecture.
std::string export_bert(const BertModel& model, const std::filesystem::path& folder, Dtype dtype);

}  // namespace espalier
