#include "data/vocabulary_training.h"

#include "data/text_file.h"
#include "text/word_counts.h"

namespace espalier {

std::vector<std::string> train_wordpiece(std::span<const std::filesystem::path> text_files,
                                         const WordPieceTraining& options, const ProgressSink& progress) {
  WordCounts counts(words_of(options));
  for_each_line(
      text_files, [&](std::string_view line) { counts.add(line); }, {}, "counting words", progress);
  return train_wordpiece(counts, options, progress);
}

BpeTokenizer train_bpe(std::span<const std::filesystem::path> text_files, const BpeTraining& options,
                       const ProgressSink& progress) {
  BpeWordCounts counts;
  for_each_line(
      text_files, [&](std::string_view line) { counts.add(std::string(line) + '\n'); }, {}, "counting words",
      progress);
  return train_bpe(counts, options, progress);
}

}  // namespace espalier
