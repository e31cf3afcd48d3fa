#include "train/train_state.h"

#include <gtest/gtest.h>
#include <torch/utils.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "checkpoint/checkpoint.h"
#include "unit/train/ops/backends.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

class TrainStateTest : public testing::Test {
 protected:
  TrainStateTest() : folder_(fs::path(testing::TempDir()) / ("train_state_" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~TrainStateTest() override { fs::remove_all(folder_); }
  const fs::path folder_;
};

AdamW optimizer_of(std::int64_t rows, std::uint64_t seed) {
  std::vector<OptimizedParameter> parameters;
  for (const auto* name : {"a.weight", "b.weight"}) {
    const auto tensor = [&](std::uint64_t salt) {
      return torch::tensor(random_values(rows * 3, seed * 10 + salt), torch::kFloat32).view({rows, 3});
    };
    parameters.push_back({name, tensor(1).set_requires_grad(true), tensor(2), tensor(3).abs()});
  }
  return {{}, std::move(parameters)};
}

TEST_F(TrainStateTest, ComesBackExactlyAndGoesOnTheSame) {
  auto first = optimizer_of(4, 1), second = optimizer_of(4, 2);
  first.set_steps(17);
  const TrainProgress progress{17, {2, 345}, 123456789012, 98.5, {{"windows_ended", 2}}};
  save_train_state(folder_, first, progress);
  const auto state = TrainState::open(folder_);
  ASSERT_TRUE(state.has_value());
  state->restore(second);
  const auto* loaded = &state->progress();
  EXPECT_EQ(loaded->objective, progress.objective);
  EXPECT_EQ(loaded->step, 17);
  EXPECT_EQ(loaded->cursor, progress.cursor);
  EXPECT_EQ(loaded->tokens_seen, progress.tokens_seen);
  EXPECT_EQ(loaded->seconds, progress.seconds);
  EXPECT_EQ(second.steps(), 17);
  for (auto* optimizer : {&first, &second}) {
    for (auto& p : optimizer->parameters()) p.value.mutable_grad() = torch::full({4, 3}, 0.25F);
    optimizer->step(0.01);
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const auto &a = first.parameters()[i], &b = second.parameters()[i];
    EXPECT_TRUE(torch::equal(a.value, b.value));
    EXPECT_TRUE(torch::equal(a.first_moment, b.first_moment));
    EXPECT_TRUE(torch::equal(a.second_moment, b.second_moment));
  }
}

TEST_F(TrainStateTest, IsEmptyWithoutAFile) {
  EXPECT_FALSE(TrainState::open(folder_).has_value());
}

TEST_F(TrainStateTest, RefusesTheStateOfAnotherModelAndChangesNothing) {
  auto other = optimizer_of(5, 1), optimizer = optimizer_of(4, 2);
  save_train_state(folder_, other, {});
  const auto before = optimizer.parameters()[0].value.clone();
  EXPECT_THROW(TrainState::open(folder_)->restore(optimizer), UserError);
  EXPECT_TRUE(torch::equal(optimizer.parameters()[0].value, before));
}

TEST_F(TrainStateTest, RefusesFilesThatAreNoState) {
  auto optimizer = optimizer_of(4, 2);
  const auto plain = [&](std::map<std::string, std::string> metadata) {
    write_safetensors(folder_ / "state.safetensors", {}, metadata);
  };
  const std::pair<const char*, std::function<void()>> cases[] = {
      {"no metadata", [&] { plain({}); }},
      {"metadata that is no JSON",
       [&] {
         plain({{"espalier", "{\"step\": "}});
       }},
      {"another format",
       [&] {
         plain({{"espalier", R"({"format": "espalier.plan/1"})"}});
       }},
      {"a step that is text",
       [&] {
         plain({{"espalier", R"({"format": "espalier.train_state/1", "step": "x"})"}});
       }},
      {"a file cut short", [&] {
         save_train_state(folder_, optimizer, {});
         fs::resize_file(folder_ / "state.safetensors", fs::file_size(folder_ / "state.safetensors") - 5);
       }}};
  for (const auto& [what, write] : cases) {
    write();
    try {
      TrainState::open(folder_)->restore(optimizer);
      ADD_FAILURE() << what;
    } catch (const UserError& error) {
      EXPECT_NE(std::string(error.what()).find("state.safetensors"), std::string::npos)
          << what << ": " << error.what();
    }
  }
}

}  // namespace
}  // namespace espalier
