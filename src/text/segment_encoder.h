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

/// "pre_tokenizer" and "model" of a tokenizer.json (`root`), for normalized text; with a model of type
/// WordPiece "normalizer" too.
SegmentEncoder make_segment_encoder(const nlohmann::json& root,
                                    const BytePairEncoding::Vocabulary& vocabulary, const std::string& name);

/// The type of "model"; old files do not say.
std::string model_type(const nlohmann::json& root, const std::string& name);

}  // namespace espalier
