// Training and what comes after it, killed.
#include "cli/killed_verb.h"
#include "cli/small_pretraining.h"

namespace espalier {
namespace {

std::vector<std::string> pretraining(const std::string& config, const std::string& out) {
  return {"pretrain",       config, "--vocab", "vocab.txt", "--text",       "text.txt", "--seq-len",   "32",
          "--batch-tokens", "128",  "--steps", "3",         "--save-every", "1",        "--log-every", "1",
          "--threads",      "1",    "--out",   out};
}

TEST(KilledTraining, Pretrain) {
  const SmallPretraining small;
  expect_goes_on({small.folder.path(), pretraining("config.json", "run"), {"run/model"}});
}

TEST(KilledTraining, OverwritingAnOlderRun) {
  const SmallPretraining small;
  auto command = pretraining("config.json", "run");
  const auto prepared = [&] { return killed_verb::become_program(small.folder.path(), command); };
  ASSERT_EQ(run_killed_at(0, prepared).exit_code, 0);
  command.push_back("--overwrite");
  expect_goes_on({small.folder.path(), command, {"run/model"}, {}});
}

TEST(KilledTraining, Export) {
  const SmallPretraining small;
  std::filesystem::rename(small.config, small.folder / "moe.json");
  std::ofstream(small.folder / "dense.json")
      << R"({"model_type": "espalier_bert_moe", "vocab_size": 45, "hidden_size": 32, "num_hidden_layers": 1,
             "num_attention_heads": 2, "intermediate_size": 48, "max_position_embeddings": 32, "moe_layers": []})";
  const auto trained = [&] {
    return killed_verb::become_program(small.folder.path(), pretraining("dense.json", "run"));
  };
  ASSERT_EQ(run_killed_at(0, trained).exit_code, 0);
  expect_goes_on({small.folder.path(), {"export", "run/model", "--to", "bert", "--out", "new"}, {"new"}, {}});
}

}  // namespace
}  // namespace espalier
