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

class QuantisedGolden : public ::testing::TestWithParam<const char*> {
 protected:
  fs::path folder() const { return fs::path(source_dir()) / "tests/golden" / GetParam(); }

  void expect_logits(const fs::path& model_folder, const char* file) const {
    const DecoderModel model = load_decoder(Checkpoint::open(model_folder));
    const auto golden = SafetensorsFile::open(folder() / file);
    const std::vector<std::vector<std::int32_t>> sequences =
        read_json(folder() / "tokens.json").at("sequences");
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

INSTANTIATE_TEST_SUITE_P(Fp8, QuantisedGolden, ::testing::Values("fp8-qwen3-moe", "fp8-deepseek-v3"));

TEST_P(QuantisedGolden, Logits) {
  expect_logits(folder(), "logits.safetensors");
}

TEST_P(QuantisedGolden, LogitsOfThePrunedFiles) {
  const TemporaryFolder work;
  expect_logits(prune_golden(folder(), work.path()), "pruned_logits.safetensors");
}

}  // namespace
}  // namespace espalier::infer
