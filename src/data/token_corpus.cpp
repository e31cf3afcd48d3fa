#include "data/token_corpus.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "checkpoint/mapped_file.h"
#include "data/corpus_key.h"
#include "data/text_file.h"

namespace espalier {
namespace {

constexpr std::uint64_t kSmallVocabulary = 65536;  // ids that fit 16 bits
constexpr std::size_t kFlushTokens = 1 << 18;

// docs/formats/token_corpus.md
struct Footer {
  char magic[8];
  std::uint32_t version;
  std::uint32_t token_bytes;
  std::uint64_t tokens;
  std::uint64_t documents;
  std::uint64_t document_ends_offset;
  std::uint64_t vocabulary_size;
  char key[64];
};
static_assert(sizeof(Footer) == 112);
constexpr char kMagic[8] = {'E', 'S', 'P', 'T', 'O', 'K', 'E', 'N'};
constexpr std::uint32_t kVersion = 1;

std::uint64_t padded(std::uint64_t bytes) {
  return (bytes + 7) / 8 * 8;
}

// Encodes line by line and writes tokens as they come; memory holds one flush and the documents' ends.
class CorpusWriter {
 public:
  CorpusWriter(const std::filesystem::path& file, const CorpusTokenizer& tokenizer, DocumentBoundary boundary)
      : file_(file),
        tokenizer_(tokenizer),
        boundary_(boundary),
        token_bytes_(static_cast<std::uint64_t>(tokenizer.vocabulary_size) <= kSmallVocabulary ? 2 : 4) {}

  void line(std::string_view text) {
    if (is_blank(text)) return end_document();
    tokenizer_.encode(text, tokens_);
    if (boundary_ == DocumentBoundary::kLine) end_document();
    if (tokens_.size() >= kFlushTokens) flush();
  }

  void end_document() {
    if (size() == (ends_.empty() ? 0 : ends_.back())) return;
    tokens_.insert(tokens_.end(), tokenizer_.document_end.begin(), tokenizer_.document_end.end());
    ends_.push_back(size());
  }

  std::uint64_t size() const { return written_ + tokens_.size(); }

  void finish(const std::string& key) {
    flush();
    const std::uint64_t bytes = written_ * token_bytes_;
    file_.write(std::string_view("\0\0\0\0\0\0\0\0", padded(bytes) - bytes));
    file_.write(std::as_bytes(std::span(ends_)));
    Footer footer{};
    std::memcpy(footer.magic, kMagic, sizeof(kMagic));
    footer.version = kVersion;
    footer.token_bytes = token_bytes_;
    footer.tokens = written_;
    footer.documents = ends_.size();
    footer.document_ends_offset = padded(bytes);
    footer.vocabulary_size = static_cast<std::uint64_t>(tokenizer_.vocabulary_size);
    std::memcpy(footer.key, key.data(), sizeof(footer.key));
    file_.write(std::as_bytes(std::span(&footer, 1)));
    file_.commit();
  }

 private:
  void flush() {
    if (token_bytes_ == 2) {
      narrow_.assign(tokens_.begin(), tokens_.end());
      file_.write(std::as_bytes(std::span(narrow_)));
    } else {
      file_.write(std::as_bytes(std::span(tokens_)));
    }
    written_ += tokens_.size();
    tokens_.clear();
  }

  AtomicFile file_;
  const CorpusTokenizer& tokenizer_;
  DocumentBoundary boundary_;
  std::uint32_t token_bytes_;
  std::uint64_t written_ = 0;  // tokens
  std::vector<std::int32_t> tokens_;
  std::vector<std::uint16_t> narrow_;
  std::vector<std::uint64_t> ends_;
};

}  // namespace

struct TokenCorpus::State {
  explicit State(const std::filesystem::path& path) : file(path) {}
  MappedFile file;
  Footer footer{};
  std::span<const std::uint16_t> tokens16;
  std::span<const std::uint32_t> tokens32;
  std::span<const std::uint64_t> document_ends;
  std::string key;

  // Whether the file is whole and is what it should be; sets the spans.
  bool read(const std::string& expected_key, std::uint64_t vocabulary_size) {
    const auto bytes = file.bytes();
    if (bytes.size() < sizeof(Footer)) return false;
    std::memcpy(&footer, bytes.data() + bytes.size() - sizeof(Footer), sizeof(Footer));
    const std::uint64_t body = bytes.size() - sizeof(Footer);
    const bool known = std::memcmp(footer.magic, kMagic, sizeof(kMagic)) == 0 && footer.version == kVersion &&
                       footer.token_bytes == (vocabulary_size <= kSmallVocabulary ? 2u : 4u) &&
                       footer.vocabulary_size == vocabulary_size &&
                       std::string_view(footer.key, sizeof(footer.key)) == expected_key;
    if (!known || footer.tokens == 0 || footer.tokens > body || footer.documents > body) return false;
    const std::uint64_t ends_at = padded(footer.tokens * footer.token_bytes);
    if (footer.document_ends_offset != ends_at || ends_at + footer.documents * 8 != body) return false;
    const auto count = static_cast<std::size_t>(footer.tokens);
    if (footer.token_bytes == 2) tokens16 = {reinterpret_cast<const std::uint16_t*>(bytes.data()), count};
    if (footer.token_bytes == 4) tokens32 = {reinterpret_cast<const std::uint32_t*>(bytes.data()), count};
    document_ends = {reinterpret_cast<const std::uint64_t*>(bytes.data() + ends_at),
                     static_cast<std::size_t>(footer.documents)};
    key = expected_key;
    return !document_ends.empty() && document_ends.back() == footer.tokens;
  }
};

TokenCorpus::TokenCorpus(std::unique_ptr<State> state) : state_(std::move(state)) {}
TokenCorpus::TokenCorpus(TokenCorpus&&) noexcept = default;
TokenCorpus& TokenCorpus::operator=(TokenCorpus&&) noexcept = default;
TokenCorpus::~TokenCorpus() = default;

TokenCorpus TokenCorpus::build(const std::vector<std::filesystem::path>& text_files,
                               const CorpusTokenizer& tokenizer, const std::filesystem::path& cache_folder,
                               const ProgressSink& progress, const NoteSink& note,
                               DocumentBoundary boundary) {
  if (text_files.empty())
    throw UserError("no text files are given for the corpus", "name at least one text file");
  std::filesystem::create_directories(cache_folder);
  const std::string key = corpus_key(text_files, tokenizer, boundary, cache_folder, progress);
  const auto file = cache_folder / (key.substr(0, 32) + ".tokens");
  const auto open = [&]() -> std::unique_ptr<State> {
    auto state = std::make_unique<State>(file);
    const bool whole = state->read(key, static_cast<std::uint64_t>(tokenizer.vocabulary_size));
    return whole ? std::move(state) : nullptr;
  };
  if (std::filesystem::exists(file)) {
    if (auto state = open()) return TokenCorpus(std::move(state));
    if (note) note(fmt::format("{} is damaged: tokenizing again", file.string()));
  }
  CorpusWriter writer(file, tokenizer, boundary);
  for_each_line(
      text_files, [&](std::string_view line) { writer.line(line); }, [&] { writer.end_document(); },
      "tokenizing", progress);
  if (writer.size() == 0) {
    throw UserError(
        fmt::format("the corpus is empty: no words in {}{}", text_files[0].string(),
                    text_files.size() > 1 ? fmt::format(" and {} more files", text_files.size() - 1) : ""),
        "give files with text in them");
  }
  writer.finish(key);
  auto state = open();
  if (!state) throw InternalError(fmt::format("{} does not read as it was written", file.string()));
  return TokenCorpus(std::move(state));
}

std::span<const std::uint16_t> TokenCorpus::tokens16() const {
  return state_->tokens16;
}
std::span<const std::uint32_t> TokenCorpus::tokens32() const {
  return state_->tokens32;
}
std::uint64_t TokenCorpus::size() const {
  return state_->footer.tokens;
}
std::span<const std::uint64_t> TokenCorpus::document_ends() const {
  return state_->document_ends;
}
const std::string& TokenCorpus::key() const {
  return state_->key;
}

std::int32_t TokenCorpus::token(std::uint64_t position) const {
  if (position >= size()) throw InternalError(fmt::format("token {} of a corpus of {}", position, size()));
  const auto at = static_cast<std::size_t>(position);
  return static_cast<std::int32_t>(state_->tokens16.empty() ? state_->tokens32[at] : state_->tokens16[at]);
}

}  // namespace espalier
