#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/bert_config.h"
#include "checkpoint/checkpoint.h"

namespace espalier {

/// Which part of the model a tensor belongs to. The encoder must be there; the others are there whole or not
/// at all.
enum class BertPart { kEncoder, kPooler, kMaskedLanguageHead, kClassifier };

struct ExpectedTensor {
  std::string name;  // under its full name, with "bert."
  std::vector<std::int64_t> shape;
  std::vector<std::string_view> sized_by;  // for each dimension, the config field that it comes from
  BertPart part = BertPart::kEncoder;

  std::int64_t elements() const;
};

/// Every tensor of a `bert` or `espalier_bert_moe` checkpoint, heads included, in the order of the forward
/// pass. The masked-language decoder shares the word embeddings and has no tensor of its own.
std::vector<ExpectedTensor> expected_tensors(const BertMoeConfig& config);

/// Where `name` (a full name) is in a checkpoint: under that name, without the prefix "bert.", or with the
/// old names of layer norm's tensors (gamma, beta), as the first BERT checkpoints have them. nullopt when
/// absent.
std::optional<std::string> find_bert_tensor(const Checkpoint& checkpoint, std::string_view name);

/// The tensor itself. Throws UserError when absent.
TensorView bert_tensor(const Checkpoint& checkpoint, std::string_view name);

struct BertParts {
  bool pooler = false;
  bool masked_language_head = false;
  bool classifier = false;
  std::vector<std::string>
      unused;  ///< tensors that no part of the model reads (e.g. `cls.seq_relationship.weight`)
};

/// Checks names, shapes and dtypes against config.json, from the headers alone. Throws UserError naming the
/// first tensor that is missing, is of another shape (and which field asks for it) or is no floating-point
/// tensor, and how many more there are; also for blocks or experts beyond what config.json says.
BertParts check_tensors(const Checkpoint& checkpoint, const BertMoeConfig& config);

}  // namespace espalier
