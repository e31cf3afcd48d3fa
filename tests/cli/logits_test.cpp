#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <tuple>

#include "checkpoint/checkpoint.h"
#include "cli/run_program.h"
#include "paths.h"

namespace espalier {
namespace {

using testing::HasSubstr;

const std::string kGolden = source_dir() + "/tests/golden/";
constexpr double kTolerance = 1e-5;  // hidden states are layer-normalised: of order 1, six digits in float32

/// Same names, same shapes, values within the tolerance.
void expect_same(const SafetensorsFile& found, const SafetensorsFile& expected,
                 double tolerance = kTolerance) {
  ASSERT_EQ(found.names(), expected.names());
  for (const auto name : expected.names()) {
    const TensorView a = found.tensor(name), b = expected.tensor(name);
    ASSERT_TRUE(std::ranges::equal(a.shape, b.shape)) << name;
    for (std::int64_t i = 0; i < a.elements(); ++i) {
      float x = 0, y = 0;
      std::memcpy(&x, a.bytes.data() + i * 4, 4);
      std::memcpy(&y, b.bytes.data() + i * 4, 4);
      ASSERT_NEAR(x, y, tolerance) << name << " element " << i;
    }
  }
}

TEST(LogitsVerb, ReproducesTheGoldens) {
  const TemporaryFolder folder;
  const std::string out = (folder / "out.safetensors").string();
  for (const std::string model : {"bert", "bert-classifier"}) {
    SCOPED_TRACE(model);
    const ProgramRun run =
        run_program({"logits", kGolden + model, "--tokens", kGolden + model + "/tokens.json", "--out", out});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    expect_same(SafetensorsFile::open(out), SafetensorsFile::open(kGolden + model + "/logits.safetensors"));
  }
}

TEST(LogitsVerb, ReproducesADecodersGoldens) {
  constexpr double kOfLogits = 1e-4;  // of order 1 to 4, sums in any order
  const TemporaryFolder folder;
  const std::string out = (folder / "out.safetensors").string(), model = kGolden + "mixtral-sharded";
  const ProgramRun run = run_program({"logits", model, "--tokens", model + "/tokens.json", "--out", out});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  expect_same(SafetensorsFile::open(out), SafetensorsFile::open(model + "/logits.safetensors"), kOfLogits);
}

TEST(LogitsVerb, BadInputIsAUserError) {
  const TemporaryFolder folder;
  const std::string out = (folder / "out.safetensors").string();
  const std::string bert = kGolden + "bert", good = bert + "/tokens.json";
  auto tokens = [&, count = 0](const std::string& content) mutable {
    return folder.write("t" + std::to_string(count++) + ".json", content);
  };
  std::string many = "0";
  for (int i = 0; i < 64; ++i) many += ",1";
  const std::tuple<std::string, std::string, std::string> cases[] = {
      {"/nonexistent", good, "/nonexistent"},
      {kGolden + "mixtral-sharded", tokens("{\"sequences\": [[320]]}"), "token id 320 is outside"},
      {bert, "/nonexistent.json", "/nonexistent.json"},
      {bert, tokens("{"), "t1.json:1:"},
      {bert, tokens("{\"sequences\": [[1], [2, 320]]}"),
       "sequences[1][1]: token id 320 is outside the vocabulary"},
      {bert, tokens("{\"sequences\": [[-1]]}"), "token id -1"},
      {bert, tokens("{\"sequences\": [[18446744073709551615]]}"), "18446744073709551615"},
      {bert, tokens("{\"sequences\": [[1.5]]}"), "1.5"},
      {bert, tokens("{\"sequences\": [[]]}"), "sequences[0]: the sequence is empty"},
      {bert, tokens("{\"sequences\": []}"), "sequences"},
      {bert, tokens("{\"sequences\": [7]}"), "sequences[0]"},
      {bert, tokens("{\"sequence\": [[1]]}"), "sequences"},
      {bert, tokens("{\"sequences\": [[1]], \"more\": 1}"), "more"},
      {bert, tokens("{\"sequences\": [[" + many + "]]}"), "65 tokens, the model holds positions for 64"},
  };
  for (const auto& [model, file, error] : cases) {
    SCOPED_TRACE(error);
    const ProgramRun run = run_program({"logits", model, "--tokens", file, "--out", out});
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr(error));
    EXPECT_FALSE(std::filesystem::exists(out));
  }
}

}  // namespace
}  // namespace espalier
