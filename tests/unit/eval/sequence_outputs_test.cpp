#include "eval/sequence_outputs.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cstring>

#include "temporary_folder.h"
#include "unit/model/small_model.h"

namespace espalier {
namespace {

torch::Tensor read(const SafetensorsFile& file, std::string_view name) {
  const auto view = file.tensor(name);
  auto tensor = torch::empty({view.shape.data(), view.shape.size()}, torch::kFloat32);
  std::memcpy(tensor.data_ptr(), view.bytes.data(), view.bytes.size());
  return tensor;
}

TEST(SequenceOutputs, HoldWhatEveryHeadSays) {
  const TemporaryFolder folder;
  auto model = small_model(small_config());
  reset_classifier(model, 3, 5);
  TokenSequences sequences;
  for (std::int64_t i = 0; i < 12; ++i) sequences.push_back(std::vector<std::int64_t>(1 + i, 5 + i));
  EXPECT_EQ(write_sequence_outputs(model, sequences, Backend::kOneDnn, folder / "out"), 12 * 3);
  const auto file = SafetensorsFile::open(folder / "out");
  for (std::size_t i : {0, 2, 10, 11}) {  // "seq10" is written before "seq2"
    const auto length = static_cast<std::int64_t>(sequences[i].size());
    const SequenceLayout layout{{0, length}};
    const auto hidden = encode(model, {torch::tensor(sequences[i]), {}, layout}, {}).hidden;
    const auto name = "seq" + std::to_string(i);
    EXPECT_TRUE(torch::equal(read(file, name + ".hidden"), hidden)) << name;
    EXPECT_TRUE(torch::equal(read(file, name + ".logits"), mlm_logits(model, hidden, {}))) << name;
    EXPECT_TRUE(torch::equal(read(file, name + ".scores"), classify(model, hidden, layout, {})[0])) << name;
  }
}

}  // namespace
}  // namespace espalier
