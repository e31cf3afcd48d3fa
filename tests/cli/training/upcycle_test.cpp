// From a dense model to experts that differ, as a user does it: pretrain, upcycle, observe.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/small_pretraining.h"

namespace espalier {
namespace {

class Upcycled : public testing::Test {
 protected:
  Upcycled() {
    small_.folder.write("config.json",
                        R"({"model_type": "bert", "vocab_size": 45, "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 48, "max_position_embeddings": 32})");
    run(small_.command("dense", {"--steps", "20", "--learning-rate", "1e-2"}));
  }

  ProgramRun run(const std::vector<std::string>& words) const {
    auto run = run_program(words);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run;
  }

  /// Experts that stay what upcycling makes of them, and what `observe` says of them.
  nlohmann::json observed(const std::string& name, const std::vector<std::string>& more) const {
    std::vector<std::string> words{"--upcycle", "4", "--moe-layers", "1", "--train", "head", "--steps", "2"};
    words.insert(words.end(), more.begin(), more.end());
    auto command = small_.command(name, words);
    command[1] = small_.path("dense/model");
    command.erase(command.begin() + 2, command.begin() + 4);  // --vocab: the checkpoint has its own
    run(command);
    const auto out =
        run({"observe", small_.path(name + "/model"), "--data", small_.text, "--similarity", "cka",
             "--seq-len", "32", "--samples", "50", "--json", "--out", small_.path(name + ".obs")});
    return nlohmann::json::parse(out.out);
  }

  SmallPretraining small_;
};

TEST_F(Upcycled, CopiesAreAlikeUntilSomethingPartsThem) {
  const auto copies = observed("copies", {});
  ASSERT_EQ(copies["routing"].size(), 1u);
  EXPECT_EQ(copies["routing"][0]["layer"], 1);
  EXPECT_NEAR(copies["routing"][0]["mean_similarity"]["cka"].get<double>(), 1.0, 1e-5);
  EXPECT_GT(copies["routing"][0]["router_entropy"].get<double>(), 0.95) << "a fresh router is not sure";
  const auto redrawn = observed("redrawn", {"--upcycle-redraw", "0.5", "--upcycle-router", "3"});
  EXPECT_LT(redrawn["routing"][0]["mean_similarity"]["cka"].get<double>(), 0.95);
  EXPECT_LT(redrawn["routing"][0]["router_entropy"].get<double>(), 0.8);
  EXPECT_EQ(redrawn["sequences"], 50);
}

TEST_F(Upcycled, AModelWithoutExpertsIsNotObserved) {
  const auto run = run_program(
      {"observe", small_.path("dense/model"), "--data", small_.text, "--out", small_.path("none.obs")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, testing::HasSubstr("no experts"));
}

}  // namespace
}  // namespace espalier
