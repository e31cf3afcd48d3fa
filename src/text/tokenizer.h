#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/decoder_stages.h"

namespace espalier {

/// A text that grows with its ids by whole characters. The parts together, the last of them from `finish`,
/// are what `Tokenizer::decode` says of all ids. Lives no longer than its tokenizer.
class TextStream {
 public:
  virtual ~TextStream() = default;
  virtual std::string add(std::int32_t id) = 0;
  virtual std::string finish() = 0;
};

/// Text <-> token ids of a language model. Thread-safe once loaded.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Special tokens written in the text ("<|im_start|>") are recognised as the model's own tokenizer does;
  /// no BOS or EOS is added.
  virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;
  /// Special tokens are left out of the text, and ids that are no piece's.
  std::string decode(std::span<const std::int32_t> ids) const;
  /// The same id by id; a continuation has no beginning whose space is the tokenizer's own.
  virtual std::unique_ptr<TextStream> stream(TextPart part) const = 0;
  /// How one piece reads in the middle of a text, for people and for streaming ("Ġthe" -> " the"). Its bytes
  /// may be part of a character only.
  virtual std::string piece(std::int32_t id) const = 0;
  virtual std::int32_t vocabulary_size() const = 0;  ///< largest id + 1
  virtual std::optional<std::int32_t> bos() const = 0;
  virtual std::optional<std::int32_t> eos() const = 0;
  /// What the tokenizer's own post-processor puts in front of and after a text (BOS of Llama and Mixtral;
  /// nothing for Qwen).
  virtual std::vector<std::int32_t> prefix() const = 0;
  virtual std::vector<std::int32_t> suffix() const = 0;
};

enum class TokenizerKind { kJson, kSentencePiece, kVocabulary };
struct TokenizerFile {
  TokenizerKind kind;
  std::filesystem::path file;
};

/// Which file holds the tokenizer of a model folder; a file is taken by its name. Throws UserError where a
/// folder has none.
TokenizerFile find_tokenizer(const std::filesystem::path& model_or_file);

/// The tokenizer of a model folder: tokenizer.json, else tokenizer.model (sentencepiece), else vocab.txt
/// (WordPiece). Or of one of these files. Throws UserError where there is none, or it is of a kind that is
/// not known.
std::unique_ptr<Tokenizer> open_tokenizer(const std::filesystem::path& model_or_file);

}  // namespace espalier
