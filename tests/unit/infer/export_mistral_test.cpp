// A mixtral that one expert is left of is an ordinary Mistral: files, names, and logits by plain loops.
#include "surgery/export_mistral.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "infer/decoder_forward.h"
#include "reference/mistral.h"
#include "unit/base/user_error.h"
#include "unit/infer/small_decoder.h"
#include "values.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kLogitTolerance = 1e-5;  // float32 against float64

nlohmann::json one_expert() {
  auto fields = golden_config("mixtral");
  fields["num_local_experts"] = fields["num_experts_per_tok"] = 1;
  return fields;
}

std::map<std::string, Values> numbers_of(const Checkpoint& checkpoint) {
  std::map<std::string, Values> numbers;
  for (const auto name : checkpoint.names()) {
    const auto view = checkpoint.tensor(name);
    std::vector<float> values(static_cast<std::size_t>(view.elements()));
    to_float32(view.dtype, view.bytes, values);
    numbers[std::string(name)] = Values(values.begin(), values.end());
  }
  return numbers;
}

class ExportMistralLogits : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(TiedOrNot, ExportMistralLogits, ::testing::Bool());

TEST_P(ExportMistralLogits, GivesTheLogitsOfTheMixtral) {
  auto fields = one_expert();
  fields["tie_word_embeddings"] = GetParam();
  const SmallDecoder mixtral(fields, 3);
  const TemporaryFolder out;
  const auto made = export_mistral(mixtral.open(), out.path(), {});
  const auto mistral = Checkpoint::open(out.path());
  EXPECT_EQ(mistral.config()["model_type"], "mistral");
  EXPECT_EQ(mistral.config()["architectures"][0], "MistralForCausalLM");
  EXPECT_FALSE(mistral.config().contains("num_local_experts"));
  std::uint64_t elements = 0;
  for (const auto name : mistral.names()) {
    EXPECT_THAT(std::string(name), Not(HasSubstr("block_sparse_moe")));
    elements += static_cast<std::uint64_t>(mistral.tensor(name).elements());
  }
  EXPECT_EQ(made.parameters, elements);
  const auto ids = random_ids(13, mixtral.spec.text().vocabulary, 5);
  const auto model = infer::load_decoder(mixtral.open());
  const auto expected = values_of(logits_of(model, run_sequence(model, ids)));
  expect_close(reference::Mistral(mistral.config(), numbers_of(mistral)).logits(ids), expected,
               kLogitTolerance, "logits");
}

TEST(ExportMistral, KeepsBytesOrWritesAnotherDtypeAndCarriesTheTokenizer) {
  const SmallDecoder mixtral(one_expert(), 3, Dtype::kBF16);
  write_file(mixtral.folder() / "tokenizer.json", "{}");
  const TemporaryFolder out, wide;
  EXPECT_EQ(export_mistral(mixtral.open(), out.path(), {}).dtype, Dtype::kBF16);
  EXPECT_EQ(export_mistral(mixtral.open(), wide.path(), Dtype::kF32).dtype, Dtype::kF32);
  const auto before = mixtral.open(), after = Checkpoint::open(out.path()),
             float32 = Checkpoint::open(wide.path());
  const auto gate = before.tensor("model.layers.1.block_sparse_moe.experts.0.w1.weight"),
             kept = after.tensor("model.layers.1.mlp.gate_proj.weight");
  EXPECT_TRUE(std::equal(kept.bytes.begin(), kept.bytes.end(), gate.bytes.begin(), gate.bytes.end()));
  EXPECT_EQ(numbers_of(float32), numbers_of(after));
  EXPECT_EQ(after.config()["torch_dtype"], "bfloat16");
  EXPECT_EQ(read_file(out.path() / "tokenizer.json"), "{}");
}

TEST(ExportMistral, SaysWhichLayersStillHaveExperts) {
  auto fields = golden_config("mixtral");
  const SmallDecoder whole(fields, 3), qwen(golden_config("qwen3-moe"), 3);
  fixtures::expect_user_error([&] { describe_mistral(whole.open(), std::nullopt); },
                              {"layer 0 has", "--prune eager", "--experts-per-token 1"});
  fixtures::expect_user_error([&] { describe_mistral(qwen.open(), std::nullopt); },
                              {"qwen3_moe", "only a mixtral"});
}

}  // namespace
}  // namespace espalier
