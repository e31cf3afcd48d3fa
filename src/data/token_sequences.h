#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace espalier {

using TokenSequences = std::vector<std::vector<std::int64_t>>;

/// Reads tokens.json: {"sequences": [[101, 7, 102], ..]}. Throws UserError naming the sequence and the place
/// for an id that is not a whole number or not below `vocabulary`, a sequence that is empty or longer than
/// `positions`, and no sequence at all.
TokenSequences parse_token_sequences(std::string_view content, std::string_view source,
                                     std::int64_t vocabulary, std::int64_t positions);

TokenSequences read_token_sequences(const std::filesystem::path& file, std::int64_t vocabulary,
                                    std::int64_t positions);

}  // namespace espalier
