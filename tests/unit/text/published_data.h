#pragma once

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "data/byte_stream.h"
#include "paths.h"

namespace espalier::fixtures {

/// The folder of published tokenizers and their vectors, which are not part of the tree.
inline std::filesystem::path published_tokenizers() {
  const char* named = std::getenv("ESPALIER_SHARED_DATA");
  return std::filesystem::path(named ? named : source_dir() + "/../shared/data") / "tokenizers";
}

inline std::string unpacked(const std::filesystem::path& file) {
  const auto stream = ByteStream::open(file);
  std::string content, block(1 << 16, '\0');
  while (const std::size_t bytes = stream->read(block)) content.append(block, 0, bytes);
  return content;
}

/// The lines of a merges.txt behind its version line.
inline nlohmann::json merges_of(const std::filesystem::path& file) {
  std::istringstream lines(unpacked(file));
  nlohmann::json merges = nlohmann::json::array();
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && !line.starts_with("#version")) merges.push_back(line);
  }
  return merges;
}

inline nlohmann::json byte_level(const char* type = "ByteLevel") {
  return {{"type", type}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
}

inline std::string gpt2_tokenizer() {
  const auto folder = published_tokenizers() / "gpt2";
  const nlohmann::json tokenizer = {{"pre_tokenizer", byte_level()},
                                    {"decoder", byte_level()},
                                    {"model",
                                     {{"type", "BPE"},
                                      {"vocab", parse_json(unpacked(folder / "vocab.json"), "vocab.json")},
                                      {"merges", merges_of(folder / "merges.txt")}}}};
  return tokenizer.dump();
}

inline std::string qwen2_tokenizer() {
  const auto folder = published_tokenizers() / "qwen2-qwen3";
  auto tokenizer = parse_json(unpacked(folder / "tokenizer_without_vocab.json"), "tokenizer.json");
  tokenizer["model"]["vocab"] = parse_json(unpacked(folder / "vocab.json.gz"), "vocab.json");
  tokenizer["model"]["merges"] = merges_of(folder / "merges.txt");
  return tokenizer.dump();
}

inline std::string olmo_tokenizer() {
  return unpacked(published_tokenizers() / "gpt-neox-olmo/allenai_gpt-neox-olmo-dolma-v1_5.json.gz");
}

/// A text and its published ids.
struct TokenVector {
  std::string text;
  std::vector<std::int32_t> ids;
};

/// Of llama.cpp's vocabulary tests.
inline std::vector<TokenVector> token_vectors(const std::string& name) {
  const auto base = published_tokenizers() / "llamacpp-vocab" / ("ggml-vocab-" + name + ".gguf");
  const std::string texts = read_file(base.string() + ".inp"), separator = "\n__ggml_vocab_test__\n";
  std::istringstream lines(read_file(base.string() + ".out"));
  std::vector<TokenVector> vectors;
  std::size_t begin = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t end = texts.find(separator, begin);
    TokenVector vector{texts.substr(begin, end - begin), {}};
    std::istringstream ids(line);
    for (std::int32_t id = 0; ids >> id;) vector.ids.push_back(id);
    vectors.push_back(std::move(vector));
    begin = end == std::string::npos ? texts.size() : end + separator.size();
  }
  return vectors;
}

}  // namespace espalier::fixtures
