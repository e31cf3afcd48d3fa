#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/progress.h"
#include "text/pre_tokenizer.h"

namespace espalier {

/// A byte-level byte-pair encoding (Sennrich et al. 2016; Radford et al. 2019): words are cut as GPT-2 cuts
/// them, and start as their bytes.
struct BpeTraining {
  std::int32_t vocabulary_size = 8192;  ///< with BOS, EOS and the 256 bytes
  std::uint64_t min_pair_count = 2;     ///< joins no pair that is rarer
  std::string bos = "<s>", eos = "</s>";
};

/// How often each word of a text occurs.
class BpeWordCounts {
 public:
  BpeWordCounts();
  /// A stretch of text that no word crosses the end of (a line with its end).
  void add(std::string_view text);
  const std::unordered_map<std::string, std::uint64_t>& counts() const { return counts_; }

 private:
  PreTokenizer pre_tokenizer_;
  std::unordered_map<std::string, std::uint64_t> counts_;
};

/// A trained tokenizer as the contents of its files.
struct BpeTokenizer {
  nlohmann::ordered_json tokenizer;  ///< tokenizer.json
  nlohmann::ordered_json config;     ///< tokenizer_config.json
  std::int32_t pieces = 0;
};

/// BOS and EOS have the ids 0 and 1, the bytes (by their letter) 2 to 257; joined pieces follow in the order
/// in which they were found, the most frequent pair first, ties to the smaller ids. BOS is put in front of a
/// text. The same text in any order gives the same files. Throws UserError for a text without words and a
/// size that does not hold the bytes.
BpeTokenizer train_bpe(const BpeWordCounts& counts, const BpeTraining& options,
                       const ProgressSink& progress = {});

}  // namespace espalier
