#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "cli/run_program.h"
#include "paths.h"
#include "temporary_folder.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

fs::path golden(const std::string& name) {
  return fs::path(source_dir()) / "tests/golden" / name;
}

std::vector<float> numbers(const Checkpoint& checkpoint, std::string_view weight) {
  const formats::Weight found = checkpoint.weight(weight);
  std::vector<float> values(static_cast<std::size_t>(found.elements()));
  found.decode_rows(0, found.rows, values.data());
  return values;
}

nlohmann::json convert(const fs::path& model, const std::string& to, const fs::path& out) {
  const ProgramRun run =
      run_program({"convert", model, "--to", to, "--out", out, "--shard-size", "100kB", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  return nlohmann::json::parse(run.out);
}

std::string logits_of(const fs::path& model, const fs::path& tokens, const fs::path& out) {
  const ProgramRun run = run_program({"logits", model, "--tokens", tokens, "--out", out});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  return file_content(out);
}

class Convert : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Formats, Convert,
                         ::testing::Values("fp8-qwen3-moe", "ct-int4-asymmetric", "ct-nvfp4",
                                           "modelopt-nvfp4", "gptq-int4-act-order", "awq-int4"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

/// In F32 nothing is lost: the same logits, bit for bit.
TEST_P(Convert, ToFloat32IsTheSameModel) {
  const fs::path model = golden("quant") / GetParam();
  const TemporaryFolder work;
  const auto json = convert(model, "f32", work / "plain");
  for (const auto& cost : json.at("costs")) EXPECT_EQ(cost.at("relative_error"), 0) << cost;
  EXPECT_GT(json.at("files").size(), 1U);
  const Checkpoint plain = Checkpoint::open(work / "plain");
  EXPECT_FALSE(plain.config().contains("quantization_config"));
  for (const std::string_view name : plain.names())
    EXPECT_THAT(std::string(name), ::testing::Not(HasSubstr("scale")));
  EXPECT_EQ(logits_of(model, model / "tokens.json", work / "a.safetensors"),
            logits_of(work / "plain", model / "tokens.json", work / "b.safetensors"));
  EXPECT_FALSE(fs::exists(work / "plain/hf_quant_config.json"));
  EXPECT_FALSE(fs::exists(work / "plain/quantize_config.json"));
}

/// E4M3 has steps of 1/8 to 1/16 of a number: half of one at most, and 2.6 % on average.
TEST(ConvertVerb, ToFp8IsWhatDeepSeekWrites) {
  const TemporaryFolder work;
  const auto json = convert(golden("deepseek-v3"), "fp8", work / "fp8");
  const Checkpoint before = Checkpoint::open(golden("deepseek-v3")), after = Checkpoint::open(work / "fp8");
  const auto& settings = after.config().at("quantization_config");
  EXPECT_EQ(settings.at("quant_method"), "fp8");
  EXPECT_EQ(settings.at("fmt"), "e4m3");
  EXPECT_EQ(settings.at("activation_scheme"), "dynamic");
  EXPECT_EQ(settings.at("weight_block_size"), nlohmann::json({128, 128}));
  EXPECT_THAT(settings.at("modules_to_not_convert").get<std::vector<std::string>>(),
              ::testing::IsSupersetOf({"lm_head", "model.layers.1.mlp.gate"}));
  const std::string up = "model.layers.1.mlp.experts.2.up_proj.weight";
  EXPECT_EQ(after.tensor(up).dtype, Dtype::kF8E4M3);
  EXPECT_EQ(after.tensor(up + "_scale_inv").dtype, Dtype::kF32);
  EXPECT_EQ(after.tensor("model.layers.1.mlp.gate.weight").dtype,
            before.tensor("model.layers.1.mlp.gate.weight").dtype);
  double difference = 0, all = 0;
  const auto a = numbers(before, up), b = numbers(after, up);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double step = static_cast<double>(b[i] - a[i]);
    difference += step * step;
    all += static_cast<double>(a[i]) * static_cast<double>(a[i]);
  }
  EXPECT_GT(std::sqrt(difference / all), 0.01);
  EXPECT_LT(std::sqrt(difference / all), 0.04);
  for (const auto& cost : json.at("costs")) {
    EXPECT_GT(cost.at("relative_error").get<double>(), 0.01) << cost;
    EXPECT_LT(cost.at("relative_error").get<double>(), 0.04) << cost;
  }
  EXPECT_EQ(read_json(work / "fp8/espalier/convert.json").at("costs"), json.at("costs"));
}

/// What is FP8 in blocks of 128 x 128 already is copied.
TEST(ConvertVerb, CopiesWhatIsInTheFormatAlready) {
  const TemporaryFolder work;
  const fs::path model = golden("quant/fp8-deepseek-v3");
  EXPECT_TRUE(convert(model, "fp8", work / "fp8").at("costs").empty());
  const Checkpoint before = Checkpoint::open(model), after = Checkpoint::open(work / "fp8");
  EXPECT_EQ(before.names(), after.names());
  for (const std::string_view name : before.names())
    EXPECT_TRUE(std::ranges::equal(before.tensor(name).bytes, after.tensor(name).bytes)) << name;
}

/// gpt-oss: the rows of the format are the columns of the tensor.
TEST(ConvertVerb, TurnsTheBlocksOfAStack) {
  const TemporaryFolder work;
  const fs::path model = golden("quant/mxfp4-gpt-oss");
  const auto json = convert(model, "bf16", work / "plain");
  for (const auto& cost : json.at("costs"))
    EXPECT_EQ(cost.at("relative_error"), 0) << cost;  // BF16 holds all of FP4
  const Checkpoint before = Checkpoint::open(model), after = Checkpoint::open(work / "plain");
  const std::string name = "model.layers.0.mlp.experts.gate_up_proj";
  const TensorView tensor = after.tensor(name);
  ASSERT_EQ(std::vector(tensor.shape.begin(), tensor.shape.end()), (std::vector<std::int64_t>{8, 96, 128}));
  const auto rows = numbers(before, name), turned = numbers(after, name);
  for (std::size_t e = 0; e < 8; ++e)
    for (std::size_t i = 0; i < 96; ++i)
      for (std::size_t o = 0; o < 128; ++o)
        ASSERT_EQ(turned[(e * 96 + i) * 128 + o], rows[(e * 128 + o) * 96 + i]);
}

TEST(ConvertVerb, SaysWhatItCannotDo) {
  const TemporaryFolder work;
  const ProgramRun inside =
      run_program({"convert", golden("mixtral"), "--to", "fp8", "--out", golden("mixtral") / "inside"});
  EXPECT_EQ(inside.exit_code, 2);
  EXPECT_THAT(inside.err, HasSubstr("the output folder"));
  const ProgramRun unknown =
      run_program({"convert", golden("mixtral"), "--to", "int3", "--out", work / "out"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("bf16"));
  EXPECT_FALSE(fs::exists(work / "out"));
}

}  // namespace
}  // namespace espalier
