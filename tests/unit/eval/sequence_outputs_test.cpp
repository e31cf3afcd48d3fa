#include "eval/sequence_outputs.h"

#include <gtest/gtest.h>

#include "temporary_folder.h"
#include "unit/infer/small_encoder.h"
#include "values.h"

namespace espalier {
namespace {

Values read(const SafetensorsFile& file, std::string_view name) {
  const auto view = file.tensor(name);
  std::vector<float> values(static_cast<std::size_t>(view.elements()));
  to_float32(view.dtype, view.bytes, values);
  return {values.begin(), values.end()};
}

TEST(SequenceOutputs, HoldWhatEveryHeadSays) {
  const TemporaryFolder folder;
  auto config = small_encoder_config();
  config["id2label"] = {{"0", "a"}, {"1", "b"}, {"2", "c"}};
  const SmallEncoder small(config);
  const auto model = small.load();
  TokenSequences sequences;
  for (std::int64_t i = 0; i < 12; ++i) sequences.push_back(std::vector<std::int64_t>(1 + i, 5 + i));
  EXPECT_EQ(write_sequence_outputs(model, sequences, folder / "out"), 12 * 3);
  const auto file = SafetensorsFile::open(folder / "out");
  for (std::size_t i : {0, 2, 10, 11}) {  // "seq10" is written before "seq2"
    const auto length = static_cast<std::int64_t>(sequences[i].size());
    const infer::SequenceLayout layout{{0, length}};
    const auto hidden = encode(model, {sequences[i], {}, layout});
    const auto name = "seq" + std::to_string(i);
    EXPECT_EQ(read(file, name + ".hidden"), values_of(hidden)) << name;
    EXPECT_EQ(read(file, name + ".logits"), values_of(masked_word_logits(model, length, hidden.data())))
        << name;
    EXPECT_EQ(read(file, name + ".scores"), values_of(classify(model, layout, hidden.data()))) << name;
  }
}

}  // namespace
}  // namespace espalier
