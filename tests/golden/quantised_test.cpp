// Quantised checkpoints against the logits of another implementation for their dequantised weights, in
// float64 (docs/formats/weights.md); as stored, and after experts have been removed from the files.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "golden/pruned_golden.h"
#include "infer/decoder_forward.h"
#include "paths.h"
#include "temporary_folder.h"
#include "unit/infer/small_decoder.h"
#include "values.h"

namespace espalier::infer {
namespace {

namespace fs = std::filesystem;

constexpr double kTolerance = 1e-5;  // float32 gives 3e-7 to 7e-7; rounding weights to BF16 moves 1.5e-3

class QuantisedGolden : public ::testing::TestWithParam<fs::path> {
 protected:
  void SetUp() override {
    if (!is_known(GetParam())) GTEST_SKIP() << "of a family that is not known";
    const auto type = read_json(GetParam() / "config.json").at("model_type").get<std::string>();
    const std::string missing(arch::family_named(type).can.missing);
    if (!missing.empty()) GTEST_SKIP() << type << " does not run: " << missing;
  }

  void expect_logits(const fs::path& model_folder, const char* file) const {
    const DecoderModel model = load_decoder(Checkpoint::open(model_folder));
    const auto golden = SafetensorsFile::open(GetParam() / file);
    const std::vector<std::vector<std::int32_t>> sequences =
        read_json(GetParam() / "tokens.json").at("sequences");
    ASSERT_EQ(sequences.size(), 2U);
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      const std::string name = "seq" + std::to_string(i) + ".logits";
      const TensorView view = golden.tensor(name);
      std::vector<float> expected(static_cast<std::size_t>(view.elements()));
      to_float32(view.dtype, view.bytes, expected);
      expect_close(values_of(logits_of(model, run_sequence(model, sequences[i]))),
                   Values{expected.begin(), expected.end()}, kTolerance, name);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Formats, QuantisedGolden, ::testing::ValuesIn(quantised_goldens()),
                         [](const auto& test) {
                           std::string name = test.param.filename().string();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(QuantisedGolden, Logits) {
  expect_logits(GetParam(), "logits.safetensors");
}

TEST_P(QuantisedGolden, LogitsOfThePrunedFiles) {
  const TemporaryFolder work;
  expect_logits(prune_golden(GetParam(), work.path()), "pruned_logits.safetensors");
}

}  // namespace
}  // namespace espalier::infer
