// What is around the tensors: other files, links, records, stopping and going on, folders in the way.
#include <gtest/gtest.h>

#include "artifacts/scores.h"
#include "base/staged_folder.h"
#include "unit/base/user_error.h"
#include "unit/surgery/pruned_model.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using namespace fixtures;

const std::vector<int> kKeep{1, 2, 5, 6};

class OutputFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    store(folder.model(), small_config("mixtral"), small_tensors("mixtral"), 3);
    write_file(folder.model() / "tokenizer.json", "{}");
    write_file(folder.model() / "README.md", "---\nlicense: apache-2.0\n---\n# Tiny\n");
    fs::create_directory(folder.model() / "sub");
    write_file(folder.model() / "sub/code.py", "x = 1\n");
    write_file(folder.model() / "pytorch_model.bin", "old weights");
    write_file(folder.model() / ".hidden", "x");
  }
  /// Into two files.
  ApplyOptions in_two() const {
    ApplyOptions options = folder.options();
    options.shard_bytes = 1300;
    return options;
  }
  Plan plan = plan_keeping({0, 1, 2}, kKeep);
  SurgeryFolder folder;
};

TEST_F(OutputFolder, CarriesOtherFilesOverAndLeavesOtherWeights) {
  std::vector<std::string> notes;
  write_plan(folder.plan_file(), plan);
  apply_to_files(
      folder.options(), [](const Progress&) {}, [&](std::string_view note) { notes.emplace_back(note); });
  EXPECT_EQ(read_file(folder.out() / "tokenizer.json"), "{}");
  EXPECT_EQ(read_file(folder.out() / "sub/code.py"), "x = 1\n");
  EXPECT_FALSE(fs::exists(folder.out() / "pytorch_model.bin"));
  EXPECT_FALSE(fs::exists(folder.out() / ".hidden"));
  EXPECT_EQ(notes, std::vector<std::string>{"pytorch_model.bin: left out, weights of the model before"});
  EXPECT_FALSE(fs::exists(folder / "out.partial"));
}

TEST_F(OutputFolder, WhatCannotBeTakenOverIsNamed) {
  fs::create_symlink("../../blobs/gone", folder.model() / "merges.txt");
  fs::create_directory(folder / "elsewhere");
  fs::create_directory_symlink(folder / "elsewhere", folder.model() / "code");
  std::vector<std::string> notes;
  write_plan(folder.plan_file(), plan);
  apply_to_files(folder.options(), {}, [&](std::string_view note) { notes.emplace_back(note); });
  EXPECT_EQ(notes,
            (std::vector<std::string>{"pytorch_model.bin: left out, weights of the model before",
                                      "code: a link to a folder (" + (folder / "elsewhere").string() +
                                          "), which is not followed: not taken over",
                                      "merges.txt: a link to nothing (../../blobs/gone): not taken over"}));
}

TEST_F(OutputFolder, IsWrittenWithoutListeners) {
  write_plan(folder.plan_file(), plan);
  apply_to_files(folder.options(), {}, {});
  EXPECT_GT(verify_files(folder.model(), folder.out(), folder.plan_file(), {}, {}).tensors, 0U);
}

TEST_F(OutputFolder, IsWrittenByOneProcessAtATime) {
  write_plan(folder.plan_file(), plan);
  const auto note = [](std::string_view) {};
  {
    const StagedFolder other(folder.out(), IfExists::kFail, "other work", note);
    expect_user_error([&] { folder.apply(plan, folder.options()); }, {"another process is writing there"});
    EXPECT_TRUE(fs::exists(other.path()));
  }
  folder.apply(plan, folder.options());  // what the other left behind is no hindrance
  EXPECT_TRUE(fs::exists(folder.out() / "config.json"));
}

TEST_F(OutputFolder, LeavesARecordAndAModelCard) {
  auto options = folder.options();
  options.scores = folder / "scores.json";
  Scores scores;
  scores.criterion = "reap";
  for (int layer = 0; layer < 3; ++layer)
    scores.layers.push_back({layer, {1, 2, 3, 4, 5, 6, 7, 8}, {10, 10, 10, 10, 10, 10, 10, 30}, {}});
  for (auto& layer : scores.layers) layer.original = {0, 1, 2, 3, 4, 5, 6, 7};
  write_scores(*options.scores, scores);
  folder.apply(plan, options);
  EXPECT_EQ(read_file(folder.out() / "espalier/plan.json"), read_file(folder.plan_file()));
  EXPECT_EQ(read_file(folder.out() / "espalier/scores.json"), read_file(*options.scores));
  EXPECT_EQ(read_file(folder.out() / "espalier/base_model_card.md"), read_file(folder.model() / "README.md"));
  const auto record = read_json(folder.out() / "espalier/apply.json");
  EXPECT_EQ(record.at("format"), "espalier.apply/1");
  EXPECT_EQ(record.at("command").at(1), "apply");
  const std::string card = read_file(folder.out() / "README.md");
  for (const char* fragment :
       {"license: apache-2.0", "# model, pruned", "| experts in a MoE layer | 8 | 4 |", "| 0 | 1 2 5 6 | 4 |",
        "| 1 | 50.0% | 60.0% |" /* 1 + 4 + 5 + 8 of 36; 60 of 100 tokens */, "espalier apply",
        "multiples of 8"}) {
    EXPECT_NE(card.find(fragment), std::string::npos) << fragment << "\n" << card;
  }
}

TEST_F(OutputFolder, TheSameCommandAgainIsDoneAndAnotherIsRefused) {
  folder.apply(plan, in_two());
  const auto time = fs::last_write_time(folder.out() / "config.json");
  EXPECT_EQ(folder.apply(plan, in_two()).files_found, 2U);
  EXPECT_EQ(fs::last_write_time(folder.out() / "config.json"), time);
  expect_user_error([&] { folder.apply(plan); }, {"exists and is not empty"});  // in one file
  write_file(folder.model() / "tokenizer.json", "[]");
  expect_user_error([&] { folder.apply(plan, in_two()); }, {"exists and is not empty"});
  write_file(folder.model() / "tokenizer.json", "{}");
  fs::remove(folder.out() / "config.json");
  expect_user_error([&] { folder.apply(plan, in_two()); }, {"exists and is not empty"});
}

TEST_F(OutputFolder, ALinkToItIsFollowed) {
  fs::create_directory(folder / "elsewhere");
  fs::create_directory_symlink("elsewhere", folder.out());
  folder.apply(plan);
  EXPECT_TRUE(fs::is_symlink(folder.out()));
  EXPECT_TRUE(fs::exists(folder / "elsewhere/config.json"));
}

TEST_F(OutputFolder, TheSameInputGivesTheSameFiles) {
  folder.apply(plan);
  fs::rename(folder.out(), folder / "first");
  folder.apply(plan);
  for (const auto& entry : fs::recursive_directory_iterator(folder / "first")) {
    if (entry.is_regular_file())
      EXPECT_EQ(read_file(entry.path()),
                read_file(folder.out() / fs::relative(entry.path(), folder / "first")));
  }
}

TEST_F(OutputFolder, FollowsLinksAndNeverWritesThroughThem) {
  const fs::path blobs = folder / "blobs";
  fs::create_directory(blobs);
  for (const auto& entry : std::vector<fs::directory_entry>(fs::directory_iterator(folder.model()), {})) {
    if (!entry.is_regular_file()) continue;
    fs::rename(entry.path(), blobs / entry.path().filename());
    fs::create_symlink(blobs / entry.path().filename(), entry.path());
  }
  // The output folder holds links to the model's own files.
  fs::create_directory(folder.out());
  fs::create_symlink(blobs / "config.json", folder.out() / "config.json");
  fs::create_symlink(blobs / "tokenizer.json", folder.out() / "tokenizer.json");
  const std::string before = read_file(blobs / "config.json");
  auto options = folder.options();
  options.if_exists = IfExists::kOverwrite;
  folder.apply(plan, options);
  EXPECT_EQ(read_file(blobs / "config.json"), before);
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(folder.out() / "config.json")));
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(folder.out() / "tokenizer.json")));
  EXPECT_EQ(folder.verify().carried_files, 2U);
}

TEST_F(OutputFolder, OverwritingLeavesNoTensorOfTheOldModel) {
  fs::create_directory(folder.out());
  write_file(folder.out() / "model-00009-of-00009.safetensors", "old");
  write_file(folder.out() / "notes.txt", "mine");
  expect_user_error([&] { folder.apply(plan); }, {"exists and is not empty", "--overwrite"});
  auto options = folder.options();
  options.if_exists = IfExists::kOverwrite;
  folder.apply(plan, options);
  EXPECT_FALSE(fs::exists(folder.out() / "model-00009-of-00009.safetensors"));
  EXPECT_EQ(read_file(folder.out() / "notes.txt"), "mine");
  EXPECT_EQ(folder.verify().carried_files, 2U);
}

/// Stops after the first file.
ProgressSink stop_after_first_file(const fs::path& partial) {
  return [partial](const Progress&) {
    if (fs::exists(partial / "model-00001-of-00002.safetensors")) throw std::runtime_error("power cut");
  };
}

TEST_F(OutputFolder, AStoppedRunGoesOn) {
  write_plan(folder.plan_file(), plan);
  const fs::path partial = folder / "out.partial";
  EXPECT_THROW(apply_to_files(in_two(), stop_after_first_file(partial), [](auto) {}), std::runtime_error);
  EXPECT_FALSE(fs::exists(folder.out()));
  const auto time = fs::last_write_time(partial / "model-00001-of-00002.safetensors");
  const ApplySummary summary = folder.apply(plan, in_two());
  EXPECT_EQ(summary.files_found, 1U);
  EXPECT_EQ(fs::last_write_time(folder.out() / "model-00001-of-00002.safetensors"), time);
  folder.verify();
}

TEST_F(OutputFolder, WhatAnotherPlanOrInputLeftIsNotUsed) {
  const fs::path partial = folder / "out.partial";
  write_plan(folder.plan_file(), plan_keeping({0, 1, 2}, {0, 1, 2, 3}));
  EXPECT_THROW(apply_to_files(in_two(), stop_after_first_file(partial), [](auto) {}), std::runtime_error);
  EXPECT_EQ(folder.apply(plan, in_two()).files_found, 0U);
  folder.verify();
}

TEST_F(OutputFolder, AFileThatWasCutIsWrittenAgain) {
  write_plan(folder.plan_file(), plan);
  const fs::path partial = folder / "out.partial";
  EXPECT_THROW(apply_to_files(in_two(), stop_after_first_file(partial), [](auto) {}), std::runtime_error);
  fs::resize_file(partial / "model-00001-of-00002.safetensors", 100);
  EXPECT_EQ(folder.apply(plan, in_two()).files_found, 0U);
  folder.verify();
}

TEST_F(OutputFolder, InTheWayOrInTheModelIsAUserError) {
  write_plan(folder.plan_file(), plan);
  const auto apply_to = [&](const fs::path& out) {
    auto options = folder.options();
    options.out = out;
    options.if_exists = IfExists::kOverwrite;
    apply_to_files(
        options, [](const Progress&) {}, [](auto) {});
  };
  expect_user_error([&] { apply_to(folder.model()); }, {"is, holds or lies in the model's folder"});
  expect_user_error([&] { apply_to(folder.model() / "pruned"); }, {"is, holds or lies in"});
  expect_user_error([&] { apply_to(folder.model() / ".."); }, {"is, holds or lies in"});
  fs::create_directory_symlink(folder.model(), folder / "link");
  expect_user_error([&] { apply_to(folder / "link"); }, {"is, holds or lies in"});
  write_file(folder / "file", "x");
  expect_user_error([&] { apply_to(folder / "file"); }, {"is a file, expected a folder"});
  fs::create_directory(folder / "out.partial");
  write_file(folder / "out.partial/mine", "x");
  expect_user_error([&] { apply_to(folder.out()); }, {"out.partial: is in the way"});
  EXPECT_EQ(read_file(folder / "out.partial/mine"), "x");
  EXPECT_EQ(Checkpoint::open(folder.model()).files().size(), 3U);
}

/// Changes one byte of a file.
void flip(const fs::path& file, std::uint64_t at) {
  std::string content = read_file(file);
  content[at] = static_cast<char>(content[at] ^ 1);
  write_file(file, content);
}

TEST_F(OutputFolder, VerifyNamesTheFirstDifference) {
  const auto tamper = [&](const auto& change, const std::vector<std::string>& fragments) {
    fs::remove_all(folder.out());
    folder.apply(plan, in_two());
    change();
    expect_user_error([&] { folder.verify(); }, fragments);
  };
  const fs::path shard = folder.out() / "model-00002-of-00002.safetensors";
  tamper([&] { flip(shard, fs::file_size(shard) - 1); }, {"tensor ", ": byte ", " is not that of model."});
  tamper(
      [&] {
        auto config = read_json(folder.out() / "config.json");
        config["num_local_experts"] = 8;
        write_file(folder.out() / "config.json", dump_json(config));
      },
      {"config.json: num_local_experts is not as expected"});
  tamper([&] { write_file(folder.out() / "tokenizer.json", "[]"); }, {"tokenizer.json is not as expected"});
  tamper([&] { fs::remove(folder.out() / "sub/code.py"); }, {"sub/code.py was not carried over"});
  tamper(
      [&] {
        write_plan(folder.plan_file(), plan_keeping({0, 1, 2}, {0, 1, 2, 3}));
      },
      {"byte 0 is not that of"});
  tamper(
      [&] {
        write_plan(folder.plan_file(), plan_keeping({0, 1, 2}, {0, 1}));
      },
      {"config.json: num_local_experts"});
}

}  // namespace
}  // namespace espalier
