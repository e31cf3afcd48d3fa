#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/progress.h"
#include "data/token_corpus.h"

namespace espalier {

/// SHA-256 over everything a tokenized corpus depends on: the cache format, the tokenizer, the boundary and
/// each file's content. The contents' own hashes are remembered in
/// `cache_folder`/sources.json and used again while a file's size and time of change stay the same.
std::string corpus_key(const std::vector<std::filesystem::path>& text_files, const CorpusTokenizer& tokenizer,
                       DocumentBoundary boundary, const std::filesystem::path& cache_folder,
                       const ProgressSink& progress = {});

}  // namespace espalier
