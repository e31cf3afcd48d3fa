#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "cli/run_program.h"
#include "paths.h"
#include "small_tokenizers.h"
#include "temporary_folder.h"

namespace espalier {
namespace {

using testing::HasSubstr;

const std::string kMixtral = source_dir() + "/tests/golden/mixtral";

TEST(GenerateVerb, ContinuesIdsTheSameWayEveryTime) {
  const std::vector<std::string> command{
      "generate", kMixtral,        "--prompt-ids", "5",      "17", "203",    "--tokens",
      "6",        "--temperature", "0.9",          "--seed", "3",  "--json", "--ignore-stop"};
  const ProgramRun first = run_program(command), second = run_program(command);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const auto json = nlohmann::json::parse(first.out), again = nlohmann::json::parse(second.out);
  EXPECT_EQ(json.at("format"), "espalier.generate/1");
  EXPECT_EQ(json.at("prompt_tokens"), (std::vector<int>{5, 17, 203}));
  EXPECT_EQ(json.at("tokens").size(), 6U);
  EXPECT_EQ(json.at("tokens"), again.at("tokens"));
}

/// The golden model with a tokenizer of bytes, whose texts are mostly characters cut short.
class GenerateFrom : public testing::Test {
 protected:
  GenerateFrom() {
    std::filesystem::copy(kMixtral, folder_ / "model");
    folder_.write("model/tokenizer.json", fixtures::byte_level_json().dump());
  }
  ProgramRun run(const std::vector<std::string>& more) const {
    std::vector<std::string> command = {"generate", model(), "--tokens", "24"};
    command.insert(command.end(), more.begin(), more.end());
    return run_program(command);
  }
  std::vector<int> tokens() const {
    const ProgramRun made = run({"--prompt-ids", "5", "17", "--json"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return nlohmann::json::parse(made.out).at("tokens");
  }
  void set_eos(const std::string& file, const nlohmann::json& ids) const {
    const std::string path = model() + "/" + file;
    nlohmann::json config =
        std::filesystem::exists(path) ? nlohmann::json::parse(file_content(path)) : nlohmann::json();
    config["eos_token_id"] = ids;
    folder_.write("model/" + file, config.dump());
  }
  std::string model() const { return (folder_ / "model").string(); }

  TemporaryFolder folder_;
};

TEST_F(GenerateFrom, WhatIsPrintedWhileItGoesIsTheText) {
  for (const char* seed : {"1", "2", "3"}) {
    std::vector<std::string> more = {"--prompt", ">\u00e9", "--temperature", "2", "--ignore-stop",
                                     "--seed",   seed};
    const std::string printed = run(more).out;
    more.emplace_back("--json");
    const ProgramRun made = run(more);
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_EQ(printed, ">\u00e9" + nlohmann::json::parse(made.out).at("text").get<std::string>() + "\n");
  }
}

TEST_F(GenerateFrom, AnyIdOfAListEndsATextAndGenerationsOwnComeFirst) {
  set_eos("config.json", nullptr);
  const auto all = tokens();
  ASSERT_EQ(all.size(), 24U);
  const auto until = [&](int id) {
    return std::vector<int>(all.begin(), std::find(all.begin(), all.end(), id));
  };
  for (const auto& list :
       {nlohmann::json{all[5], 319}, nlohmann::json{319, all[5]}, nlohmann::json(all[5])}) {
    set_eos("config.json", list);
    EXPECT_EQ(tokens(), until(all[5])) << list;
  }
  set_eos("generation_config.json", {319, all[8]});
  EXPECT_EQ(tokens(), until(all[8]));
}

TEST(GenerateVerb, BadInputIsAUserError) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{kMixtral}, "expected either --prompt or --prompt-ids"},
      {{kMixtral, "--prompt", "a", "--prompt-ids", "1"}, "expected either --prompt or --prompt-ids"},
      {{kMixtral, "--prompt", "no tokenizer here"}, "tokenizer"},
      {{kMixtral, "--prompt-ids", "320"}, "token 0 is 320"},
      {{kMixtral, "--prompt-ids", "1", "--tokens", "512"}, "the model holds positions for 512"},
      {{source_dir() + "/tests/golden/bert", "--prompt-ids", "1"}, "model_type"},
  };
  for (const auto& [arguments, error] : cases) {
    std::vector<std::string> command{"generate"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const ProgramRun run = run_program(command);
    EXPECT_EQ(run.exit_code, 2) << error;
    EXPECT_THAT(run.err, HasSubstr(error));
    EXPECT_EQ(run.out, "");
  }
}

/// The golden decoder with one weight of the second layer's router that is not a number.
std::string broken_model(const TemporaryFolder& folder) {
  const std::filesystem::path model = folder / "broken";
  std::filesystem::create_directories(model);
  for (const char* file : {"config.json", "model.safetensors"})
    std::filesystem::copy_file(kMixtral + "/" + file, model / file);
  const TensorView gate =
      Checkpoint::open(model).tensor("model.layers.1.block_sparse_moe.gate.weight");  // [E, D] float32
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::fstream weights(model / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
  weights.seekp(static_cast<std::streamoff>(gate.begin));
  weights.write(reinterpret_cast<const char*>(&nan), sizeof nan);
  return model.string();
}

TEST(GenerateVerb, AModelWithANanAnswersNothing) {
  const TemporaryFolder folder;
  const std::string model = broken_model(folder);
  const std::string ids = folder.write("ids.json", R"({"sequences": [[0, 5, 9]]})"),
                    out = (folder / "out.safetensors").string();
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"generate", model, "--prompt-ids", "0", "5", "--tokens", "4"},
                                             {"logits", model, "--tokens", ids, "--out", out}}) {
    const ProgramRun run = run_program(command);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, HasSubstr("layer 1 gives outputs that are not finite"));
  }
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace espalier
