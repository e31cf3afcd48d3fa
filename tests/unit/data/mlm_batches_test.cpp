#include "data/mlm_batches.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/error.h"
#include "base/rng.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::int32_t kCls = 1, kSep = 2, kMask = 3, kUnknown = 0, kFirst = 4, kVocabulary = 404;

WordPiece tokenizer() {
  std::vector<std::string> pieces{"[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (int i = 0; i < 400; ++i) pieces.push_back(fmt::format("w{}", i));
  return WordPiece::from_pieces(std::move(pieces), {});
}

/// 300 documents of 1 to 60 words; document i starts with word i, so that pieces can be told apart.
class MlmBatchesTest : public testing::Test {
 protected:
  MlmBatchesTest() : folder_(fs::path(testing::TempDir()) / ("mlm_batches_" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
    Rng rng(1);
    std::ofstream text(folder_ / "text.txt");
    for (int document = 0; document < 300; ++document) {
      text << 'w' << document;
      for (auto words = rng.below(60); words > 0; --words) text << " w" << rng.below(400);
      text << "\n\n";
    }
    text.close();
    corpus_.emplace(TokenCorpus::build({folder_ / "text.txt"}, tokenizer(), folder_ / "cache"));
  }
  ~MlmBatchesTest() override { fs::remove_all(folder_); }

  static MlmOptions options() {
    return {.sequence_length = 24,
            .batch_tokens = 200,
            .seed = 5,
            .cls = kCls,
            .sep = kSep,
            .mask = kMask,
            .first_ordinary = kFirst,
            .vocabulary = kVocabulary};
  }
  /// The batches of the first epoch.
  std::vector<MlmBatch> epoch(const MlmOptions& options) const {
    MlmBatches batches(*corpus_, options);
    CorpusCursor cursor;
    std::vector<MlmBatch> all;
    for (std::uint64_t left = batches.sequences(); left > 0;) {
      auto batch = batches.next(cursor);
      const auto sequences = batch.offsets.size() - 1;
      if (cursor.epoch > 0) {  // the last batch goes on into the next epoch
        batch.offsets.resize(left + 1);
        batch.ids.resize(static_cast<std::size_t>(batch.offsets.back()));
        batch.types.resize(batch.ids.size());
        while (!batch.positions.empty() && batch.positions.back() >= batch.offsets.back()) {
          batch.positions.pop_back();
          batch.targets.pop_back();
        }
      }
      left -= std::min<std::uint64_t>(left, sequences);
      all.push_back(std::move(batch));
    }
    return all;
  }
  /// The tokens as they stood in the text, specials left out, sorted by sequence.
  static std::multiset<std::vector<std::int64_t>> texts(const std::vector<MlmBatch>& batches) {
    std::multiset<std::vector<std::int64_t>> all;
    for (const auto& batch : batches) {
      auto ids = batch.ids;
      for (std::size_t m = 0; m < batch.positions.size(); ++m)
        ids[static_cast<std::size_t>(batch.positions[m])] = batch.targets[m];
      for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
        std::vector<std::int64_t> text(ids.begin() + batch.offsets[b], ids.begin() + batch.offsets[b + 1]);
        std::erase_if(text, [](std::int64_t id) { return id == kCls || id == kSep; });
        all.insert(std::move(text));
      }
    }
    return all;
  }

  const fs::path folder_;
  std::optional<TokenCorpus> corpus_;
};

TEST_F(MlmBatchesTest, EachPieceOfEachDocumentIsSeenOnceAnEpoch) {
  std::multiset<std::vector<std::int64_t>> expected;
  std::uint64_t begin = 0;
  for (const auto end : corpus_->document_ends()) {
    for (; begin < end;) {
      std::vector<std::int64_t> piece;
      for (; begin < end && piece.size() < 21; ++begin)
        piece.push_back(corpus_->token(begin));  // 24 less [CLS] and two [SEP]
      expected.insert(std::move(piece));
    }
  }
  EXPECT_EQ(texts(epoch(options())), expected);
}

TEST_F(MlmBatchesTest, SequencesAreWholeAndFit) {
  for (const auto& batch : epoch(options())) {
    EXPECT_LE(batch.offsets.back(), 200);
    ASSERT_EQ(batch.ids.size(), static_cast<std::size_t>(batch.offsets.back())) << "no padding";
    ASSERT_EQ(batch.types.size(), batch.ids.size());
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      const auto first = static_cast<std::size_t>(batch.offsets[b]),
                 last = static_cast<std::size_t>(batch.offsets[b + 1]) - 1;
      EXPECT_LE(last - first + 1, 24u);
      EXPECT_EQ(batch.ids[first], kCls);
      EXPECT_EQ(batch.ids[last], kSep);
    }
  }
}

TEST_F(MlmBatchesTest, PairsAreTwoSegmentsWithTypesZeroAndOne) {
  int pairs = 0, long_ones = 0;
  for (const auto& batch : epoch(options()))
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      const auto first = batch.ids.begin() + batch.offsets[b],
                 last = batch.ids.begin() + batch.offsets[b + 1];
      const auto separators = std::count(first, last, kSep);
      const auto middle = std::find(first, last, kSep) - batch.ids.begin();
      for (auto i = batch.offsets[b]; i < batch.offsets[b + 1]; ++i)
        EXPECT_EQ(batch.types[static_cast<std::size_t>(i)], i > middle);
      const auto words = last - first - 1 - separators;
      if (words < 16) {
        EXPECT_EQ(separators, 1);
      }
      long_ones += words >= 16;
      pairs += separators == 2;
      EXPECT_LE(separators, 2);
    }
  ASSERT_GT(long_ones, 200);
  EXPECT_NEAR(static_cast<double>(pairs) / long_ones, 0.5, 0.13);  // four standard deviations
}

TEST_F(MlmBatchesTest, PairShareZeroMakesNone) {
  auto single = options();
  single.pair_share = 0;
  for (const auto& batch : epoch(single)) EXPECT_EQ(std::count(batch.types.begin(), batch.types.end(), 1), 0);
}

TEST_F(MlmBatchesTest, FifteenPercentAreMaskedEightyTenTen) {
  double words = 0, targets = 0, masked = 0, kept = 0, random = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    auto seeded = options();
    seeded.seed = seed;
    for (const auto& batch : epoch(seeded)) {
      for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
        const auto first = batch.offsets[b], last = batch.offsets[b + 1];
        const auto own = std::count_if(batch.positions.begin(), batch.positions.end(),
                                       [&](auto p) { return p >= first && p < last; });
        const auto count =
            last - first - 1 - std::count(batch.ids.begin() + first, batch.ids.begin() + last, kSep);
        EXPECT_EQ(own, std::max(1L, std::lround(0.15 * static_cast<double>(count))));
        words += static_cast<double>(count);
      }
      EXPECT_TRUE(std::is_sorted(batch.positions.begin(), batch.positions.end()));
      for (std::size_t m = 0; m < batch.positions.size(); ++m) {
        const auto id = batch.ids[static_cast<std::size_t>(batch.positions[m])];
        EXPECT_TRUE(batch.targets[m] >= kFirst || batch.targets[m] == kUnknown);
        EXPECT_TRUE(id == kMask || id >= kFirst || id == batch.targets[m]);
        ++targets;
        masked += id == kMask;
        kept += id == batch.targets[m];
        random += id != kMask && id != batch.targets[m];
      }
    }
  }
  ASSERT_GT(targets, 10000);
  EXPECT_NEAR(targets / words, 0.15, 0.015) << "short sequences round up to one";
  EXPECT_NEAR(masked / targets, 0.8, 0.016);  // four standard deviations
  EXPECT_NEAR(kept / targets, 0.1, 0.012);
  EXPECT_NEAR(random / targets, 0.1, 0.012);
}

TEST_F(MlmBatchesTest, ABatchIsAFunctionOfTheCursor) {
  MlmBatches one(*corpus_, options());
  std::vector<CorpusCursor> cursors;
  std::vector<MlmBatch> batches;
  CorpusCursor cursor;
  for (int i = 0; i < 150; ++i) {  // more than two epochs
    cursors.push_back(cursor);
    batches.push_back(one.next(cursor));
  }
  ASSERT_GE(cursor.epoch, 2u);
  for (const std::size_t i : {149, 3, 80, 0, 149, 41}) {
    MlmBatches other(*corpus_, options());
    auto at = cursors[i];
    const auto again = other.next(at);
    EXPECT_EQ(again.ids, batches[i].ids) << i;
    EXPECT_EQ(again.types, batches[i].types) << i;
    EXPECT_EQ(again.offsets, batches[i].offsets) << i;
    EXPECT_EQ(again.positions, batches[i].positions) << i;
    EXPECT_EQ(again.targets, batches[i].targets) << i;
    EXPECT_EQ(at, i + 1 < cursors.size() ? cursors[i + 1] : cursor) << i;
  }
}

TEST_F(MlmBatchesTest, EpochsAndSeedsDifferInOrder) {
  MlmBatches batches(*corpus_, options());
  auto seeded = options();
  seeded.seed = 6;
  MlmBatches others(*corpus_, seeded);
  CorpusCursor first, second{1, 0}, other;
  const auto a = batches.next(first);
  EXPECT_NE(texts({a}), texts({batches.next(second)}));
  EXPECT_NE(texts({a}), texts({others.next(other)}));
}

TEST_F(MlmBatchesTest, RefusesOptionsThatHoldNothing) {
  for (const auto& [length, tokens] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{3, 100}, {0, 0}, {24, 23}, {-5, 10}}) {
    auto bad = options();
    bad.sequence_length = length;
    bad.batch_tokens = tokens;
    EXPECT_THROW(MlmBatches(*corpus_, bad), UserError) << length << ", " << tokens;
  }
}

}  // namespace
}  // namespace espalier
