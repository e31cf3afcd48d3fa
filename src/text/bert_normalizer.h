#pragma once

#include "base/json.h"
#include "text/character_table.h"
#include "text/text_normalizer.h"

namespace espalier {

/// The options of a "BertNormalizer" of a tokenizer.json.
struct BertNormalizerOptions {
  CharacterRules characters;
  bool split_cjk = true;
};
BertNormalizerOptions parse_bert_normalizer(JsonObject& options);

/// The text itself, where nothing of the tokenizer is known that splits it at once (text/basic_tokenizer.h).
TextNormalizer make_bert_normalizer(const BertNormalizerOptions& options);

}  // namespace espalier
