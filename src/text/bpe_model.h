#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <unordered_map>

#include "text/byte_pair_encoding.h"

namespace espalier {

/// The "vocab" of a tokenizer.json: ids by piece, as the file spells them. Throws UserError for an id that is
/// no id.
BytePairEncoding::Vocabulary parse_vocabulary_object(const nlohmann::json& vocabulary,
                                                     const std::string& where);

/// The "model" of a tokenizer.json of type BPE. Throws UserError beginning with `where` for options that are
/// not known, and for a merge that is malformed or of pieces that are not in the vocabulary.
BytePairEncoding parse_bpe_model(const nlohmann::json& model, const BytePairEncoding::Vocabulary& vocabulary,
                                 BytePairEncoding::Alphabet alphabet, const std::string& where);

}  // namespace espalier
