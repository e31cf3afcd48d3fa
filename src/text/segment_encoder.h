#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "text/byte_pair_encoding.h"

namespace espalier {

/// Appends the ids of a stretch of text without added tokens. `at_start`: nothing stands before it in the
/// whole text.
enum class SegmentPlace { kAtStart, kAfterToken };
using SegmentEncoder =
    std::function<void(std::string text, SegmentPlace place, std::vector<std::int32_t>& ids)>;

/// Whether the text comes normalized, or a WordPiece that `splits_as_bert` does it with its splitting, which
/// is faster.
enum class NormalizerOfWords { kBefore, kOfModel };

/// "pre_tokenizer" and "model" of a tokenizer.json (`root`).
SegmentEncoder make_segment_encoder(const nlohmann::json& root,
                                    const BytePairEncoding::Vocabulary& vocabulary,
                                    NormalizerOfWords normalizer, const std::string& name);

/// WordPiece with BERT's own normalizer and pre-tokenizer.
bool splits_as_bert(const nlohmann::json& root, const std::string& name);

/// The type of "model"; old files do not say.
std::string model_type(const nlohmann::json& root, const std::string& name);

}  // namespace espalier
