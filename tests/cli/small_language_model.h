#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "paths.h"
#include "small_tokenizers.h"

namespace espalier {

inline const std::string kGoldenFolder = source_dir() + "/tests/golden/";

/// A golden decoder with a tokenizer of 261 of its 320 ids.
inline std::string golden_with_tokenizer(const TemporaryFolder& folder, const std::string& golden) {
  std::filesystem::create_directories(folder / golden);
  for (const char* file : {"config.json", "model.safetensors"}) {
    std::filesystem::create_symlink(kGoldenFolder + golden + "/" + file, folder / (golden + "/" + file));
  }
  folder.write(golden + "/tokenizer.json", fixtures::byte_level_json().dump());
  return (folder / golden).string();
}

inline nlohmann::json result_of(std::vector<std::string> arguments) {
  arguments.push_back("--json");
  const ProgramRun run = run_program(arguments);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  return nlohmann::json::parse(run.out);
}

}  // namespace espalier
