#include "data/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "small_tokenizers.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using Rows = TokenSequences;

class Calibration : public ::testing::Test {
 protected:
  CalibrationSet read(const std::vector<std::string>& files, const CalibrationOptions& options) const {
    const std::vector<std::filesystem::path> paths(files.begin(), files.end());
    return read_calibration(paths, tokenizer_.get(), 265, options);
  }
  TemporaryFolder folder_;
  // <s> 1 in front of each document; the mark "a" is 263, the mark 260, "b" 262.
  std::unique_ptr<Tokenizer> tokenizer_ =
      open_tokenizer(folder_.write("tokenizer.model", fixtures::sentencepiece_model()));
};

TEST_F(Calibration, JoinsDocumentsAndCutsRows) {
  const std::string text = folder_.write("a.txt", "a\na\n\n\nb\n\na a\n");
  const auto set = read({text}, {.sequence_length = 4});
  // <s> _a \n a | <s> _ b <s> | _a _a
  EXPECT_EQ(set.rows, (Rows{{1, 263, 4 + '\n', 261}, {1, 260, 262, 1}, {263, 263}}));
  EXPECT_EQ(set.tokens(), 10);
  EXPECT_EQ(set.source, text);
  EXPECT_EQ(set.sha256, digest_of(set.rows));
  // The rest is a row only where there are too few.
  EXPECT_EQ(read({text}, {.samples = 2, .sequence_length = 4}).rows.size(), 2u);
}

TEST_F(Calibration, OneDocumentARow) {
  const std::string lines =
      folder_.write("a.jsonl", "{\"text\": \"a a a\"}\n{\"text\": \"\"}\n\n{\"text\": \"b\"}\n");
  const auto set = read({lines}, {.sequence_length = 3, .rows = CalibrationRows::kDocuments});
  EXPECT_EQ(set.rows, (Rows{{1, 263, 263}, {1, 260, 262}}));
}

TEST_F(Calibration, FlattensChatMessages) {
  const std::string chat = folder_.write(
      "c.jsonl", R"({"m": [{"role": "b", "content": "a"}, {"role": "assistant", "content": "b"}]})");
  const auto ids = [&](const char* chat_template) {
    CalibrationOptions options;
    options.documents = {.field = "m", .chat_template = chat_template};
    const auto row = read({chat}, options).rows.at(0);
    return tokenizer_->decode(std::vector<std::int32_t>(row.begin(), row.end()));
  };
  EXPECT_EQ(ids("plain"), "b: a\nassistant: b\n");
  EXPECT_EQ(ids("chatml"), "<|im_start|>b\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n");
  EXPECT_EQ(ids("<{content}>"), "<a><b>");
  EXPECT_EQ(ids("inst"), "a [/INST] b");  // [INST] and </s> are tokens of the vocabulary
  fixtures::expect_user_error([&] { ids("chatty"); }, {"chatty", "chatml"});
}

TEST_F(Calibration, DrawsRowsByTheSeed) {
  std::string json = R"({"sequences": [)";
  for (int i = 0; i < 100; ++i) json += (i ? ", [" : "[") + std::to_string(i) + "]";
  const std::string ids = folder_.write("ids.json", json + "]}");
  const auto drawn = [&](std::uint64_t seed) {
    CalibrationOptions options{.samples = 10, .sequence_length = 1, .seed = seed};
    return read({ids}, options).rows;
  };
  EXPECT_EQ(drawn(1), drawn(1));
  EXPECT_NE(drawn(1), drawn(2));
  const Rows rows = drawn(1);
  EXPECT_EQ(rows.size(), 10u);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));  // in the order of the files
  std::set<std::int64_t> seen;                            // every row has its chance
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    for (const auto& row : drawn(seed)) seen.insert(row.at(0));
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST_F(Calibration, BadInput) {
  const std::string empty = folder_.write("empty.txt", "\n\n"), text = folder_.write("t.txt", "a\n");
  const std::string far = folder_.write("far.json", R"({"sequences": [[265]]})");
  const std::string no_field = folder_.write("n.jsonl", "{\"text\": \"a\"}\n{\"body\": \"a\"}\n");
  const std::string number = folder_.write("m.jsonl", "{\"text\": 3}\n");
  fixtures::expect_user_error([&] { read({}, {}); }, {"no calibration files"});
  fixtures::expect_user_error([&] { read({empty}, {}); }, {"empty.txt", "no tokens"});
  fixtures::expect_user_error([&] { read({far}, {}); }, {"far.json", "265"});
  fixtures::expect_user_error([&] { read({no_field}, {}); }, {"n.jsonl: line 2", "text"});
  fixtures::expect_user_error([&] { read({number}, {}); }, {"m.jsonl: line 1", "chat messages"});
  const std::vector<std::filesystem::path> files = {text};
  fixtures::expect_user_error([&] { read_calibration(files, nullptr, 265, {}); }, {"t.txt", "no tokenizer"});
  fixtures::expect_user_error([&] { read_calibration(files, tokenizer_.get(), 200, {}); },
                              {"vocabulary has 200"});
}

}  // namespace
}  // namespace espalier
