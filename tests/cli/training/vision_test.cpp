// A vision model from images to a pruned checkpoint, through the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "checkpoint/checkpoint.h"
#include "cli/running_program.h"
#include "cli/training/small_images.h"
#include "paths.h"

namespace espalier {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json read(const std::filesystem::path& file) {
  return json::parse(file_content(file));
}

double accuracy(const std::string& model, const std::string& images) {
  const auto run =
      run_vision({"eval", model, "--images", images, "--classes", "airplane,automobile", "--json"});
  return json::parse(run.out)["metrics"]["accuracy"];
}

void observe_images(const std::string& model, const std::string& images, const std::string& out) {
  run_vision({"observe", model, "--images", images, "--classes", "airplane,automobile", "--out", out});
}

TEST(Vision, FromImagesToAPrunedModel) {
  const TemporaryFolder folder;
  const auto images = small_image_folder(folder);
  const auto before = small_vision_run(folder, images, small_vision_config(), "before");
  EXPECT_GT(accuracy(before + "/model", images), 0.9) << "two colours";
  EXPECT_EQ(read(before + "/eval.json")["baselines"]["largest_class"]["accuracy"], 0.5);
  // The paper's optimizer.
  const auto after = (folder / "after").string();
  run_vision({"finetune",
              before + "/model",
              "--images",
              images,
              "--classes",
              "automobile,airplane",
              "--steps",
              "10",
              "--image-batch",
              "20",
              "--momentum",
              "0.9",
              "--decay",
              "cosine",
              "--learning-rate",
              "0.01",
              "--final-learning-rate",
              "1e-5",
              "--clip-norm",
              "10",
              "--out",
              after,
              "--quiet"});
  EXPECT_EQ(read(after + "/manifest.json")["options"]["momentum"], 0.9);
  const auto file = [&](const char* name) { return (folder / name).string(); };
  run_vision({"score", after + "/model", "--criterion", "router_norm_change", "--reference",
              before + "/model", "--out", file("scores.json")});
  run_vision(
      {"plan", file("scores.json"), "--keep", "1", "--router", "zero_output", "--out", file("plan.json")});
  run_vision({"apply", after + "/model", file("plan.json"), "--out", file("pruned")});
  run_vision({"verify", after + "/model", file("pruned"), "--plan", file("plan.json")});
  const auto config = read(folder / "pruned/config.json");
  EXPECT_EQ(config["num_experts"], json({1}));
  EXPECT_EQ(config["router_rows"], json({4}));
  EXPECT_EQ(config["expert_rows"].size(), 1U);
  const auto inspected = run_vision({"inspect", file("pruned")}).out;
  EXPECT_THAT(inspected, HasSubstr("espalier_vmoe"));
  EXPECT_THAT(inspected, HasSubstr("inner width 24, 5 positions"));
  // It can be trained on, and a second plan speaks in its numbers.
  run_vision({"finetune", file("pruned"), "--images", images, "--classes", "automobile,airplane", "--steps",
              "2", "--image-batch", "20", "--out", file("again"), "--quiet"});
  EXPECT_EQ(read(folder / "again/model/config.json")["expert_rows"], config["expert_rows"]);
}

TEST(Vision, ExpertChoiceLosesItsRows) {
  const TemporaryFolder folder;
  const auto images = small_image_folder(folder);
  auto config = small_vision_config();
  config["router"] = "expert_choice";
  const auto model = small_vision_run(folder, images, config, "run") + "/model";
  const auto file = [&](const char* name) { return (folder / name).string(); };
  run_vision({"score", model, "--criterion", "magnitude", "--out", file("scores.json")});
  run_vision({"plan", file("scores.json"), "--keep", "1", "--out", file("plan.json")});
  run_vision({"apply", model, file("plan.json"), "--out", file("pruned")});
  const auto after = read(folder / "pruned/config.json");
  EXPECT_EQ(after["router_rows"], json({1}));
  EXPECT_EQ(after["capacity_experts"], json({4})) << "it takes as many tokens as before";
  accuracy(file("pruned"), images);
}

TEST(Vision, AnEnsembleIsPrunedByGroups) {
  const TemporaryFolder folder;
  const auto images = small_image_folder(folder);
  auto config = small_vision_config();
  config["ensemble_size"] = 2;
  config["num_experts_per_tok"] = 1;
  const auto model = small_vision_run(folder, images, config, "run") + "/model";
  const auto file = [&](const char* name) { return (folder / name).string(); };
  run_vision({"score", model, "--criterion", "router_norm", "--out", file("scores.json")});
  run_vision(
      {"plan", file("scores.json"), "--keep", "2", "--router", "zero_output", "--out", file("plan.json")});
  const auto keep = read(folder / "plan.json")["layers"][0]["keep"];
  ASSERT_EQ(keep.size(), 2U);
  EXPECT_LT(keep[0], 2) << "one of each member";
  EXPECT_GE(keep[1], 2);
  run_vision({"apply", model, file("plan.json"), "--out", file("pruned")});
  accuracy(file("pruned"), images);
}

TEST(Vision, AKilledRunGoesOnToTheSameNumbers) {
  const TemporaryFolder folder;
  const auto images = small_image_folder(folder);
  const auto config = folder.write("config.json", small_vision_config().dump());
  const auto command = [&](const char* name, std::vector<std::string> more) {
    more.insert(more.end(), {"--steps", "200", "--save-every", "10", "--validate-every", "1000"});
    return small_vision_command(config, images, (folder / name).string(), more);
  };
  run_vision(command("whole", {}));
  {
    RunningProgram program(command("killed", {}));
    ASSERT_TRUE(program.wait_until([&] {
      return std::filesystem::exists(folder / "killed/state.safetensors");
    })) << program.err();
    ASSERT_EQ(program.stop(SIGKILL), 128 + SIGKILL);
  }
  ASSERT_FALSE(std::filesystem::exists(folder / "killed/model")) << "the run was over before it was killed";
  run_vision(command("killed", {"--resume"}));
  EXPECT_TRUE(file_content(folder / "killed/model/model.safetensors") ==
              file_content(folder / "whole/model/model.safetensors"));
}

/// The run loses experts on its way, killed or not, by any criterion.
TEST(Vision, ExpertsAreDroppedWhileItIsTrained) {
  const TemporaryFolder folder;
  const auto images = small_image_folder(folder);
  const auto model = small_vision_run(folder, images, small_vision_config(), "run") + "/model";
  const auto command = [&](const std::string& name, std::vector<std::string> more) {
    more.insert(more.end(),
                {"finetune", model, "--images", images, "--classes", "airplane,automobile", "--image-batch",
                 "20", "--threads", "1", "--quiet", "--out", (folder / name).string()});
    std::rotate(more.begin(), more.end() - 13, more.end());
    return more;
  };
  for (const char* criterion : {"alpha", "reap", "magnitude"}) {
    run_vision(command(criterion, {"--prune", "eager", "--criterion", criterion, "--steps", "8"}));
    EXPECT_EQ(read(folder / criterion / "scores-000.json")["criterion"], criterion);
    EXPECT_EQ(read(folder / criterion / "plan-001.json")["layers"][0]["keep"].size(), 1U);
    const auto config = read(folder / criterion / "model/config.json");
    EXPECT_EQ(config["num_experts"], json({1}));
    EXPECT_EQ(config["router_rows"], json({1}));
    EXPECT_EQ(config["num_experts_per_tok"], 1);
    EXPECT_GT(accuracy((folder / criterion / "model").string(), images), 0.9);
  }
  const std::vector<std::string> staged{"--prune",     "staged", "--criterion",      "reap",
                                        "--steps",     "120",    "--save-every",     "7",
                                        "--log-every", "5",      "--validate-every", "1000"};
  run_vision(command("whole", staged));
  {
    RunningProgram program(command("killed", staged));
    ASSERT_TRUE(program.wait_until([&] { return std::filesystem::exists(folder / "killed/plan-000.json"); }))
        << program.err();
    ASSERT_EQ(program.stop(SIGKILL), 128 + SIGKILL);
  }
  ASSERT_FALSE(std::filesystem::exists(folder / "killed/model")) << "the run was over before it was killed";
  auto resumed = staged;
  resumed.push_back("--resume");
  run_vision(command("killed", resumed));
  for (const char* file : {"scores-002.json", "plan-002.json", "model/model.safetensors"})
    EXPECT_TRUE(file_content(folder / "killed" / file) == file_content(folder / "whole" / file)) << file;
}

/// Counts of a calibration run add up, and a pruned model is observed in its own numbers.
TEST(Vision, ExpertsAreObservedOnImages) {
  const TemporaryFolder folder;
  const auto images = small_image_folder(folder);
  const auto model = small_vision_run(folder, images, small_vision_config(), "run") + "/model";
  const auto file = [&](const char* name) { return (folder / name).string(); };
  observe_images(model, images, file("obs.safetensors"));
  run_vision({"score", file("obs.safetensors"), "--criterion", "frequency", "--out", file("scores.json")});
  double pairs = 0;
  const auto scores = read(folder / "scores.json");
  for (const auto& tokens : scores["layers"][0]["tokens"]) pairs += tokens.get<double>();
  EXPECT_EQ(pairs, 40 * 5 * 2) << "images, tokens of each, experts per token";
  for (const char* criterion : {"importance", "reap", "ean_mean"})
    run_vision({"score", file("obs.safetensors"), "--criterion", criterion, "--out", file("scores.json")});
  run_vision(
      {"plan", file("scores.json"), "--keep", "2", "--router", "zero_output", "--out", file("plan.json")});
  run_vision({"apply", model, file("plan.json"), "--out", file("pruned")});
  observe_images(file("pruned"), images, file("again.safetensors"));
  run_vision({"score", file("again.safetensors"), "--criterion", "frequency", "--out", file("again.json")});
  const auto tokens = read(folder / "again.json")["layers"][0]["tokens"];
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_LT(tokens[0].get<double>() + tokens[1].get<double>(), pairs)
      << "what went to pruned experts goes nowhere";
}

std::vector<float> values_of(const Checkpoint& checkpoint, const std::string& name) {
  const TensorView tensor = checkpoint.tensor(name);
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  to_float32(tensor.dtype, tensor.bytes, values);
  return values;
}

/// MoNE: mean outputs of dropped experts, from the observations into the plan into the files; a later plan
/// keeps those of an earlier one.
TEST(Vision, NovicesTakeTheExpertsPlaces) {
  const TemporaryFolder folder;
  const auto images = small_image_folder(folder);
  const auto model = small_vision_run(folder, images, small_vision_config(), "run") + "/model";
  const auto file = [&](const char* name) { return (folder / name).string(); };
  observe_images(model, images, file("obs.safetensors"));
  run_vision({"plan", "--observations", file("obs.safetensors"), "--action", "novice", "--keep", "3", "--out",
              file("plan.json")});
  const auto plan = read(folder / "plan.json");
  EXPECT_EQ(plan["router"], "zero_output");
  ASSERT_EQ(plan["layers"][0]["novices"].size(), 1U);
  const auto mean = plan["layers"][0]["novices"].begin()->get<std::vector<float>>();
  EXPECT_EQ(mean.size(), 16U);
  run_vision({"apply", model, file("plan.json"), "--out", file("pruned")});
  run_vision({"verify", model, file("pruned"), "--plan", file("plan.json")});
  const std::string name = "encoder.layer.1.moe.novices.bias";
  EXPECT_EQ(values_of(Checkpoint::open(folder / "pruned"), name), mean);
  EXPECT_EQ(read(folder / "pruned/config.json")["novice_layers"], json({1}));
  accuracy(file("pruned"), images);
  // The second plan drops an expert without a constant: its row gives zero, and the first one stays.
  run_vision({"score", file("pruned"), "--criterion", "magnitude", "--out", file("scores.json")});
  run_vision(
      {"plan", file("scores.json"), "--keep", "2", "--router", "zero_output", "--out", file("second.json")});
  run_vision({"apply", file("pruned"), file("second.json"), "--out", file("twice")});
  run_vision({"verify", file("pruned"), file("twice"), "--plan", file("second.json")});
  auto twice = values_of(Checkpoint::open(folder / "twice"), name);
  ASSERT_EQ(twice.size(), 32U);
  const std::vector<float> zeros(16, 0.0F), first(twice.begin(), twice.begin() + 16),
      second(twice.begin() + 16, twice.end());
  EXPECT_TRUE((first == mean && second == zeros) || (first == zeros && second == mean));
  // They are trained like any other parameter.
  run_vision({"finetune", file("twice"), "--images", images, "--classes", "automobile,airplane", "--steps",
              "5", "--image-batch", "20", "--out", file("again"), "--quiet"});
  EXPECT_NE(values_of(Checkpoint::open(folder / "again/model"), name), twice);
  // No other format has a place for them.
  const auto language = std::string(source_dir()) + "/tests/golden/mixtral";
  auto wrong = plan;
  wrong["layers"] = json::array({{{"layer", 0},
                                  {"num_experts_before", 8},
                                  {"keep", {0, 1, 2, 3, 4, 5, 6}},
                                  {"novices", {{"7", mean}}}}});
  wrong["provenance"].erase("topology_sha256");
  const auto wrong_plan = folder.write("wrong.json", wrong.dump());
  const auto refused = run_program({"apply", language, wrong_plan, "--out", file("no"), "--zero-fill"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("mixtral checkpoints have no place for the constant output"));
  wrong = plan;
  wrong["layers"][0]["novices"].begin()->erase(0);
  const auto narrow =
      run_program({"apply", model, folder.write("narrow.json", wrong.dump()), "--out", file("no")});
  EXPECT_EQ(narrow.exit_code, 2);
  EXPECT_THAT(narrow.err, HasSubstr("novices of 15 numbers, the model's width is 16"));
  const auto rerouted = run_program({"plan", "--observations", file("obs.safetensors"), "--action", "novice",
                                     "--keep", "3", "--router", "reroute", "--out", file("no.json")});
  EXPECT_EQ(rerouted.exit_code, 2);
  EXPECT_THAT(rerouted.err, HasSubstr("--router reroute: a novice answers to the router row"));
}

/// Rows that an earlier plan left without a constant go on giving zero.
TEST(Vision, NovicesComeAfterZeros) {
  const TemporaryFolder folder;
  const auto images = small_image_folder(folder);
  const auto model = small_vision_run(folder, images, small_vision_config(), "run") + "/model";
  const auto file = [&](const char* name) { return (folder / name).string(); };
  run_vision({"score", model, "--criterion", "magnitude", "--out", file("scores.json")});
  run_vision(
      {"plan", file("scores.json"), "--keep", "3", "--router", "zero_output", "--out", file("plan.json")});
  run_vision({"apply", model, file("plan.json"), "--out", file("pruned")});
  observe_images(file("pruned"), images, file("obs.safetensors"));
  run_vision({"plan", "--observations", file("obs.safetensors"), "--action", "novice", "--keep", "2", "--out",
              file("second.json")});
  run_vision({"apply", file("pruned"), file("second.json"), "--out", file("twice")});
  run_vision({"verify", file("pruned"), file("twice"), "--plan", file("second.json")});
  const auto mean = read(folder / "second.json")["layers"][0]["novices"].begin()->get<std::vector<float>>();
  const auto found = values_of(Checkpoint::open(folder / "twice"), "encoder.layer.1.moe.novices.bias");
  ASSERT_EQ(found.size(), 32U);
  const std::vector<float> zeros(16, 0.0F), first(found.begin(), found.begin() + 16),
      second(found.begin() + 16, found.end());
  EXPECT_TRUE((first == mean && second == zeros) || (first == zeros && second == mean));
  accuracy(file("twice"), images);
}

TEST(Vision, WrongInputIsExplained) {
  const TemporaryFolder folder;
  const auto images = small_image_folder(folder);
  const auto config = folder.write("config.json", small_vision_config().dump());
  const auto expect = [&](std::vector<std::string> arguments, const char* message) {
    const auto run = run_program(std::move(arguments));
    EXPECT_EQ(run.exit_code, 2) << run.out;
    EXPECT_THAT(run.err, HasSubstr(message));
    EXPECT_THAT(run.err, HasSubstr("\nhint: "));
  };
  const auto out = (folder / "run").string();
  expect({"pretrain", config, "--out", out}, "--text or --images is missing");
  expect({"pretrain", config, "--images", images + "/test_batch.bin", "--out", out},
         "one file has no test split");
  expect({"pretrain", config, "--images", images, "--classes", "plane", "--out", out},
         "there is no class \"plane\"");
  expect({"pretrain", config, "--images", (folder / "none").string(), "--out", out},
         "no such file or folder");
  auto wrong = small_vision_config();
  wrong["num_experts_per_tok"] = 5;
  const auto wrong_file = folder.write("wrong.json", wrong.dump());
  const auto run = run_program({"pretrain", wrong_file, "--images", images, "--out", out});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("5 experts per token, but a token can reach 4"));
  // Models of another task, and of other sizes.
  const auto model = small_vision_run(folder, images, small_vision_config(), "one") + "/model";
  expect({"eval", model}, "a vision model is evaluated on images");
  expect({"eval", model, "--images", images}, "the classes are");
  auto wider = small_vision_config();
  wider["hidden_size"] = 32;
  const auto other = small_vision_run(folder, images, wider, "two") + "/model";
  expect({"score", model, "--criterion", "router_norm_change", "--reference", other, "--out", out},
         "of width 32");
}

}  // namespace
}  // namespace espalier
