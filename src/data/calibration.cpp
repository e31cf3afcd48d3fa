#include "data/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <queue>

#include "base/error.h"
#include "base/hash.h"
#include "base/rng.h"
#include "data/text_kind.h"

namespace espalier {
namespace {

/// Keeps the rows with the smallest random keys: a draw without replacement from a stream of any length.
class RowDraw {
 public:
  RowDraw(std::int64_t samples, std::uint64_t seed)
      : samples_(static_cast<std::size_t>(samples)), seed_(seed) {}

  void offer(std::vector<std::int64_t> row) {
    const std::uint64_t index = offered_++;
    const std::uint64_t key = counter_random(seed_, index);
    if (rows_.size() == samples_ && key >= rows_.top().key) return;
    rows_.push({key, index, std::move(row)});
    if (rows_.size() > samples_) rows_.pop();
  }
  bool is_short() const { return rows_.size() < samples_; }

  /// In the order in which they were offered.
  TokenSequences take() {
    std::vector<Row> all;
    for (; !rows_.empty(); rows_.pop()) all.push_back(rows_.top());
    std::sort(all.begin(), all.end(), [](const Row& a, const Row& b) { return a.index < b.index; });
    TokenSequences rows;
    for (Row& row : all) rows.push_back(std::move(row.ids));
    return rows;
  }

 private:
  struct Row {
    std::uint64_t key, index;
    std::vector<std::int64_t> ids;
    bool operator<(const Row& other) const { return key < other.key; }
  };
  std::size_t samples_;
  std::uint64_t seed_, offered_ = 0;
  std::priority_queue<Row> rows_;  // the largest key on top
};

/// Documents, already tokens, to rows.
class RowMaker {
 public:
  RowMaker(const CalibrationOptions& options) : options_(options), draw_(options.samples, options.seed) {}

  void add(std::vector<std::int64_t> document) {
    const auto length = static_cast<std::size_t>(options_.sequence_length);
    if (options_.rows == CalibrationRows::kDocuments) {
      if (document.size() > length) document.resize(length);
      if (!document.empty()) draw_.offer(std::move(document));
      return;
    }
    stream_.insert(stream_.end(), document.begin(), document.end());
    std::size_t begin = 0;
    for (; stream_.size() - begin >= length; begin += length) {
      const auto at = stream_.begin() + static_cast<std::ptrdiff_t>(begin);
      draw_.offer({at, at + options_.sequence_length});
    }
    stream_.erase(stream_.begin(), stream_.begin() + static_cast<std::ptrdiff_t>(begin));
  }

  /// The rest of the stream is a shorter row where there are too few.
  TokenSequences finish() {
    if (!stream_.empty() && draw_.is_short()) draw_.offer(std::move(stream_));
    return draw_.take();
  }

 private:
  const CalibrationOptions& options_;
  RowDraw draw_;
  std::vector<std::int64_t> stream_;
};

std::vector<std::int64_t> framed_ids(const Tokenizer& tokenizer, std::string_view text,
                                     std::int64_t vocabulary_size) {
  std::vector<std::int64_t> ids;
  for (const auto& part : {tokenizer.prefix(), tokenizer.encode(text), tokenizer.suffix()}) {
    ids.insert(ids.end(), part.begin(), part.end());
  }
  for (const std::int64_t id : ids) {
    if (id < vocabulary_size) continue;
    throw UserError(
        fmt::format("the tokenizer gives id {}, the model's vocabulary has {} rows", id, vocabulary_size),
        "is it the tokenizer of this model?");
  }
  return ids;
}

std::string joined_names(std::span<const std::filesystem::path> files) {
  std::string names;
  for (const auto& file : files) names += (names.empty() ? "" : ", ") + file.string();
  return names;
}

}  // namespace

std::int64_t CalibrationSet::tokens() const {
  std::int64_t count = 0;
  for (const auto& row : rows) count += static_cast<std::int64_t>(row.size());
  return count;
}

std::string digest_of(const TokenSequences& rows) {
  Sha256 digest;
  const auto add = [&](std::int64_t value) {
    std::array<std::byte, 8> bytes;
    for (std::size_t i = 0; i < 8; ++i) {
      bytes[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
    }
    digest.update(bytes);
  };
  for (const auto& row : rows) {
    add(static_cast<std::int64_t>(row.size()));
    for (const std::int64_t id : row) add(id);
  }
  return digest.hex();
}

CalibrationSet read_calibration(std::span<const std::filesystem::path> files, const Tokenizer* tokenizer,
                                std::int64_t vocabulary_size, const CalibrationOptions& options,
                                const ProgressSink& progress) {
  if (files.empty()) throw UserError("no calibration files", "--data FILE..");
  RowMaker rows(options);
  for (const auto& file : files) {
    if (text_kind(file) == TextKind::kTokenIds) {
      for (auto& ids :
           read_token_sequences(file, vocabulary_size, std::numeric_limits<std::int64_t>::max())) {
        rows.add(std::move(ids));
      }
      continue;
    }
    if (tokenizer == nullptr) {
      throw UserError(
          fmt::format("{}: is text, and the model has no tokenizer", file.string()),
          "copy its tokenizer.json or tokenizer.model into its folder, or give token ids (.json)");
    }
    const std::array one = {file};
    for_each_document(
        one, options.documents,
        [&](std::string_view text) { rows.add(framed_ids(*tokenizer, text, vocabulary_size)); }, "tokenizing",
        progress);
  }
  CalibrationSet set;
  set.rows = rows.finish();
  set.source = joined_names(files);
  set.seed = options.seed;
  set.sequence_length = options.sequence_length;
  if (set.rows.empty()) throw UserError(fmt::format("{}: no tokens", set.source), "the file is empty");
  set.sha256 = digest_of(set.rows);
  return set;
}

}  // namespace espalier
