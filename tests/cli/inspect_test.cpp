#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "paths.h"
#include "small_tokenizers.h"
#include "temporary_folder.h"

namespace espalier {
namespace {

using testing::HasSubstr;

const std::string kGolden = source_dir() + "/tests/golden/";

TEST(InspectVerb, CountsWhatTheCheckpointHolds) {
  const ProgramRun text = run_program({"inspect", kGolden + "bert"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  const ProgramRun run = run_program({"inspect", kGolden + "bert", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json.at("format"), "espalier.inspection/1");
  EXPECT_EQ(json.at("model_type"), "bert");
  EXPECT_EQ(json.at("layers"), 3);
  EXPECT_EQ(json.at("width"), 64);
  EXPECT_EQ(json.at("vocabulary"), 320);
  EXPECT_EQ(json.at("parameters"), json.at("parameters_of_dtype").at("F32"));
  EXPECT_THAT(text.out, HasSubstr("3 blocks, width 64"));
}

TEST(InspectVerb, BadInputIsAUserError) {
  const TemporaryFolder folder;
  for (const std::string& model : {std::string("/nonexistent"), folder.path().string()}) {
    const ProgramRun run = run_program({"inspect", model});
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, HasSubstr(model));
    EXPECT_THAT(run.err, HasSubstr("\nhint: "));
  }
  EXPECT_EQ(run_program({"inspect"}).exit_code, 2);
}

TEST(InspectVerb, SaysWhatATokenizerIsAndWhatWasTaken) {
  const TemporaryFolder folder;
  folder.write("tokenizer.json", fixtures::byte_level_json().dump());
  folder.write("tokenizer_config.json", R"({"eos_token": "<|end|>", "add_bos_token": true})");
  const ProgramRun run = run_program({"inspect", folder.path().string(), "--tokenizer"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  for (const char* said : {"tokenizer.json, ids 0 to 260", "EOS \"<|end|>\" (259)", "generation ends at 259",
                           "eos_token", "(tokenizer_config.json)", "passed over", "add_bos_token"}) {
    EXPECT_THAT(run.out, testing::HasSubstr(said));
  }
}

}  // namespace
}  // namespace espalier
