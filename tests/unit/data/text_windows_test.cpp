#include "data/text_windows.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/rng.h"
#include "small_tokenizers.h"
#include "temporary_folder.h"
#include "text/tokenizer_json.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using Ids = std::vector<std::int64_t>;

Ids counted(std::int64_t n) {
  Ids ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

const std::vector<std::int32_t> kBos = {99}, kNone;

TEST(TextWindows, WithoutOverlap) {
  const auto with_bos = text_windows(counted(5), kBos, {.sequence_length = 3});
  ASSERT_EQ(with_bos.size(), 3u);
  EXPECT_EQ(with_bos[1].ids, (Ids{99, 2, 3}));
  EXPECT_EQ(with_bos[1].scored, 2);
  EXPECT_EQ(with_bos[2].ids, (Ids{99, 4}));
  const auto without = text_windows(counted(5), kNone, {.sequence_length = 2});
  ASSERT_EQ(without.size(), 2u);  // the fifth stands alone
  EXPECT_EQ(without[1].ids, (Ids{2, 3}));
  EXPECT_EQ(without[1].scored, 1);
}

TEST(TextWindows, WithOverlapOnlyNewTokensAreScored) {
  const auto windows = text_windows(counted(7), kBos, {.sequence_length = 5, .stride = 2});
  ASSERT_EQ(windows.size(), 3u);
  EXPECT_EQ(windows[0].scored, 4);
  EXPECT_EQ(windows[1].ids, (Ids{99, 2, 3, 4, 5}));
  EXPECT_EQ(windows[1].scored, 2);
  EXPECT_EQ(windows[2].ids, (Ids{99, 4, 5, 6}));
  EXPECT_EQ(windows[2].scored, 1);
}

TEST(TextWindows, EveryTokenIsScoredOnceAndInOrder) {
  Rng rng(1);
  for (int round = 0; round < 200; ++round) {
    const auto total = static_cast<std::int64_t>(2 + rng.below(60));
    const auto length = static_cast<std::int64_t>(3 + rng.below(12));
    const auto stride = static_cast<std::int64_t>(1 + rng.below(static_cast<std::uint64_t>(length - 1)));
    Ids scored;
    for (const auto& window : text_windows(counted(total), kBos, {length, stride})) {
      EXPECT_LE(static_cast<std::int64_t>(window.ids.size()), length);
      scored.insert(scored.end(), window.ids.end() - window.scored, window.ids.end());
    }
    EXPECT_EQ(scored, counted(total));
  }
}

TEST(TextWindows, BadOptions) {
  fixtures::expect_user_error([] { text_windows(counted(5), kBos, {.sequence_length = 1}); },
                              {"--seq-len 1"});
  fixtures::expect_user_error([] { text_windows(counted(5), kBos, {5, 5}); }, {"--stride 5", "1 to 4"});
  fixtures::expect_user_error([] { text_windows(counted(1), kNone, {}); }, {"nothing to score"});
  fixtures::expect_user_error([] { text_windows(counted(0), kBos, {}); }, {"nothing to score"});
}

TEST(TextWindows, ReadsTextAndJsonLines) {
  const TemporaryFolder folder;
  const auto tokenizer = make_json_tokenizer(fixtures::byte_level_json().dump(), "t", {});
  const std::vector<std::filesystem::path> files = {
      folder.write("a.txt", "ab\n\n"), folder.write("b.jsonl", "{\"text\": \"b\"}\n{\"text\": \"c\"}\n")};
  EXPECT_EQ(read_text_ids(files, *tokenizer, 300, {}), (Ids{256, '\n', '\n', 'b', '\n', '\n', 'c'}));
  fixtures::expect_user_error([&] { read_text_ids(files, *tokenizer, 200, {}); }, {"id 256", "200 rows"});
}

}  // namespace
}  // namespace espalier
