#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/run_program.h"
#include "written_images.h"

namespace espalier {

/// CIFAR-10's binary files with images that are easy to tell apart: class c is of one colour. 40 to train, 20
/// to test.
inline std::string small_image_folder(const TemporaryFolder& folder) {
  const auto records = [](int count, int shade) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      const int c = i % 2;
      text += fixtures::cifar_record(c, c == 0 ? 200 + shade + i % 5 : 20, 60 + 3 * i % 40,
                                     c == 1 ? 210 + i % 7 : 30);
    }
    return text;
  };
  folder.write("images/data_batch_1.bin", records(40, 0));
  folder.write("images/test_batch.bin", records(20, 9));
  return (folder / "images").string();
}

inline nlohmann::json small_vision_config() {
  return {{"model_type", "espalier_vmoe"},
          {"image_size", 32},
          {"patch_size", 16},
          {"hidden_size", 16},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 2},
          {"intermediate_size", 24},
          {"moe_layers", {1}},
          {"num_experts", 4},
          {"num_experts_per_tok", 2},
          {"capacity_factor", 1.5}};
}

/// Runs the program; a failure shows what it said.
inline ProgramRun run_vision(std::vector<std::string> arguments) {
  auto run = run_program(std::move(arguments));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  return run;
}

/// The command that pre-trains a small model on the small images into `out`.
inline std::vector<std::string> small_vision_command(const std::string& config, const std::string& images,
                                                     const std::string& out,
                                                     const std::vector<std::string>& more) {
  std::vector<std::string> command{
      "pretrain", config, "--images", images,      "--classes", "airplane,automobile", "--image-batch", "20",
      "--out",    out,    "--quiet",  "--threads", "1"};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

/// Pre-trains the small model on the small images into FOLDER/NAME.
inline std::string small_vision_run(const TemporaryFolder& folder, const std::string& images,
                                    const nlohmann::json& config, const std::string& name,
                                    std::vector<std::string> more = {}) {
  const auto file = folder.write(name + ".json", config.dump());
  const auto out = (folder / name).string();
  more.insert(more.end(), {"--steps", "30", "--learning-rate", "0.003"});
  run_vision(small_vision_command(file, images, out, more));
  return out;
}

}  // namespace espalier
