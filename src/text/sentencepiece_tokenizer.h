#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/tokenizer.h"
#include "text/tokenizer_config.h"

namespace espalier {

/// A tokenizer from the bytes of a tokenizer.model: sentencepiece's byte-pair encoding (Kudo & Richardson
/// 2018), as Llama, Mistral and Mixtral use it. Control pieces written in a text ("[INST]") are tokens; the
/// model's own space goes in front of the text, not behind such a token. Throws UserError beginning with
/// `name` for a damaged file, another algorithm than BPE, and a normalizer that changes characters.
std::unique_ptr<Tokenizer> make_sentencepiece_tokenizer(std::string_view bytes, const std::string& name,
                                                        const TokenizerConfig& config);

}  // namespace espalier
