// What can be wrong with a pre-training run: exit code 2, one error that names the thing, a hint, never a
// crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "cli/small_pretraining.h"
#include "paths.h"

namespace espalier {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

struct Case {
  const char* what;
  std::function<Words(SmallPretraining&)> command;
  Words expected;  // parts of the message
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

/// The command with its config's text changed.
std::function<Words(SmallPretraining&)> config_with(const std::string& from, const std::string& to) {
  return [=](SmallPretraining& small) {
    small.folder.write("config.json", replaced(file_content(small.config), from, to));
    return small.command("out");
  };
}

std::function<Words(SmallPretraining&)> text_of(const std::string& content) {
  return [=](SmallPretraining& small) {
    small.folder.write("text.txt", content);
    return small.command("out");
  };
}

std::function<Words(SmallPretraining&)> vocabulary_of(const std::string& content) {
  return [=](SmallPretraining& small) {
    small.folder.write("vocab.txt", content);
    return small.command("out");
  };
}

std::function<Words(SmallPretraining&)> options(const Words& more) {
  return [=](SmallPretraining& small) { return small.command("out", more); };
}

/// A run of two steps, then what `spoil` does to it, then the command with `more`.
std::function<Words(SmallPretraining&)> after_a_run(const std::function<void(SmallPretraining&)>& spoil,
                                                    Words more) {
  return [=](SmallPretraining& small) mutable {
    const auto run = run_program(small.command("out", {"--steps", "2"}));
    EXPECT_EQ(run.exit_code, 0) << run.err;
    spoil(small);
    more.insert(more.end(), {"--steps", "2"});
    return small.command("out", more);
  };
}

std::vector<Case> file_cases() {
  const auto without = [](const char* name) {
    return [=](SmallPretraining& small) {
      std::filesystem::remove(small.folder / name);
      return small.command("out");
    };
  };
  return {{"no config", without("config.json"), {"config.json", "no such file"}},
          {"no vocabulary", without("vocab.txt"), {"vocab.txt", "no such file"}},
          {"no text", without("text.txt"), {"text.txt", "no such file"}},
          {"no validation text", options({"--valid-text", "/nowhere.txt"}), {"/nowhere.txt"}},
          {"config that is no JSON", config_with("\"hidden_size\"", "hidden_size"), {"config.json:1:"}},
          {"empty text", text_of(""), {"corpus is empty", "text.txt"}},
          {"blank text", text_of("\n \n\n"), {"corpus is empty"}},
          {"broken UTF-8", text_of("w1 w2\nw3 \xC3(\n"), {"text.txt: line 2, byte 4"}},
          {"vocabulary of another size",
           vocabulary_of(SmallPretraining::vocabulary_of(41)),
           {"vocab.txt", "46", "vocab_size", "45"}},
          {"vocabulary without [MASK]",
           vocabulary_of(replaced(SmallPretraining::vocabulary_of(40), "[MASK]", "mask")),
           {"vocab.txt", "[MASK]"}},
          {"vocabulary without [CLS]",
           vocabulary_of(replaced(SmallPretraining::vocabulary_of(40), "[CLS]", "cls")),
           {"vocab.txt", "[CLS]"}},
          {"[MASK] at the end",
           vocabulary_of(replaced(SmallPretraining::vocabulary_of(40), "[MASK]\n", "") + "[MASK]\n"),
           {"vocab.txt", "[MASK]"}}};
}

std::vector<Case> config_cases() {
  return {{"heads that do not divide the width",
           config_with("\"num_attention_heads\": 2", "\"num_attention_heads\": 3"),
           {"num_attention_heads"}},
          {"more experts per token than experts",
           config_with("\"num_experts\": 4", "\"num_experts\": 4, \"num_experts_per_tok\": 5"),
           {"num_experts_per_tok"}},
          {"a MoE layer that is not there", config_with("[1]", "[2]"), {"moe_layers"}},
          {"no width", config_with("\"hidden_size\": 32,", ""), {"hidden_size"}},
          {"negative width", config_with("\"hidden_size\": 32", "\"hidden_size\": -32"), {"hidden_size"}},
          {"a model larger than any memory",
           config_with("\"hidden_size\": 32", "\"hidden_size\": 65536"),
           {"a model of ", "of memory"}},
          {"another activation",
           config_with("\"num_experts\": 4", "\"num_experts\": 4, \"hidden_act\": \"relu\""),
           {"hidden_act"}},
          {"sequences longer than the positions",
           config_with("\"max_position_embeddings\": 32", "\"max_position_embeddings\": 16"),
           {"16", "positions"}}};
}

std::vector<Case> option_cases() {
  return {{"unknown backend", options({"--backend", "cuda"}), {"cuda", "onednn, torch"}},
          {"no room for a token", options({"--seq-len", "3"}), {"--seq-len 3"}},
          {"a batch smaller than a sequence", options({"--batch-tokens", "16"}), {"--batch-tokens 16"}},
          {"a batch larger than any memory",
           options({"--batch-tokens", "40000000000"}),
           {"a training step on 40000000000 tokens needs ", "of memory", "a smaller batch"}},
          {"no steps", options({"--steps", "0"}), {"--steps"}},
          {"a share above one", options({"--mask-share", "1.5"}), {"--mask-share"}},
          {"an output folder that holds something",
           [](SmallPretraining& small) {
             small.folder.write("out/file", "x");
             return small.command("out");
           },
           {"out", "not empty"}},
          {"an output folder that is a file",
           [](SmallPretraining& small) {
             small.folder.write("out", "x");
             return small.command("out");
           },
           {"out", "is a file"}},
          {"a part that no encoder has", options({"--train", "heads"}), {"--train heads", "ffn.L"}},
          {"a block that is not there", options({"--train", "ffn.2"}), {"--train ffn.2", "blocks 0 to 1"}},
          {"parting without upcycling",
           options({"--upcycle-redraw", "0.5"}),
           {"--upcycle-redraw", "--upcycle 8"}},
          {"nothing to resume", options({"--resume"}), {"no run to resume"}}};
}

std::vector<Case> resume_cases() {
  const auto nothing = [](SmallPretraining&) {};
  return {
      {"a finished run in the way", after_a_run(nothing, {}), {"not empty"}},
      {"another model",
       after_a_run(
           [](SmallPretraining& small) {
             small.folder.write("config.json",
                                replaced(file_content(small.config), "\"intermediate_size\": 48",
                                         "\"intermediate_size\": 49"));
           },
           {"--resume"}),
       {"manifest.json", "started with config"}},
      {"other options", after_a_run(nothing, {"--resume", "--seed", "9"}), {"manifest.json", "not 9"}},
      {"a state cut short",
       after_a_run(
           [](SmallPretraining& small) {
             const auto state = small.folder / "out/state.safetensors";
             std::filesystem::resize_file(state, std::filesystem::file_size(state) / 2);
           },
           {"--resume"}),
       {"state.safetensors"}},
      {"metrics that are not ours",
       after_a_run([](SmallPretraining& small) { small.folder.write("out/metrics.jsonl", "hello\nworld\n"); },
                   {"--resume"}),
       {"metrics.jsonl"}}};
}

void run(const std::vector<Case>& cases) {
  for (const auto& [what, command, expected] : cases) {
    SmallPretraining small;
    const auto run = run_program(command(small));
    EXPECT_EQ(run.exit_code, 2) << what << ": " << run.err;
    EXPECT_THAT(run.err, HasSubstr("hint: ")) << what;
    for (const auto& part : expected) EXPECT_THAT(run.err, HasSubstr(part)) << what;
  }
}

TEST(CorruptPretrain, Files) {
  run(file_cases());
}
TEST(CorruptPretrain, Configs) {
  run(config_cases());
}
TEST(CorruptPretrain, Options) {
  run(option_cases());
}
TEST(CorruptPretrain, Resuming) {
  run(resume_cases());
}

TEST(CorruptPretrain, AnOutputFolderInUseIsLeftAsItIs) {
  SmallPretraining small;
  small.folder.write("out/file", "x");
  run_program(small.command("out"));
  EXPECT_EQ(file_content(small.folder / "out/file"), "x");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(small.folder / "out"), {}), 1);
}

// A disk of 256 KiB that only this child sees; the state needs more.
TEST(CorruptPretrain, AFullDisk) {
  if (run_command({"unshare", "-m", "true"}).exit_code != 0)
    GTEST_SKIP() << "mounting a small disk takes root";
  const SmallPretraining small;
  const auto disk = small.path("disk");
  std::filesystem::create_directory(disk);
  std::vector<std::string> command{
      "unshare",
      "-m",
      "sh",
      "-c",
      "disk=$1; shift; mount -t tmpfs -o size=256k tmpfs \"$disk\" && exec \"$@\"",
      "sh",
      disk,
      program_path()};
  const auto words = small.command("disk/out", {"--steps", "2", "--save-every", "1"});
  command.insert(command.end(), words.begin(), words.end());
  const auto run = run_command(command);
  EXPECT_EQ(run.exit_code, 2) << run.err;
  EXPECT_THAT(run.err, HasSubstr("the disk is full"));
  EXPECT_THAT(run.err, HasSubstr("state.safetensors"));
}

}  // namespace
}  // namespace espalier
