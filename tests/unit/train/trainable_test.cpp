// What training can do of the models that run: the goldens of families are all of both kinds.
#include "train/trainable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "arch/family.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "paths.h"

namespace espalier::train {
namespace {

const std::set<std::string> kTrained{"mixtral", "qwen2_moe",     "qwen3_moe",   "qwen3_vl_moe",
                                     "olmoe",   "deepseek",      "deepseek_v2", "deepseek_v3",
                                     "kimi_k2", "glm4_moe_lite", "dots1",       "hy_v3",
                                     "mellum",  "solar_open",    "exaone_moe",  "sarvam_moe"};

TEST(Trainable, EveryFamilyThatRunsTrainsOrSaysWhatIsLacking) {
  int trained = 0, refused = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(source_dir() + std::string("/tests/golden/families"))) {
    if (!std::filesystem::exists(entry.path() / "config.json")) continue;
    const auto config = read_json(entry.path() / "config.json");
    const arch::ModelSpec spec = arch::read_spec(config, "config.json");
    if (!arch::family_named(spec.family).can.missing.empty()) continue;
    SCOPED_TRACE(entry.path().filename());
    try {
      expect_trains(spec, "config.json");
      EXPECT_TRUE(kTrained.contains(spec.family)) << spec.family;
      ++trained;
    } catch (const UserError& error) {
      EXPECT_FALSE(kTrained.contains(spec.family)) << spec.family;
      EXPECT_THAT(error.what(), ::testing::HasSubstr("training lacks"));
      ++refused;
    }
  }
  EXPECT_GT(trained, 5);
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace espalier::train
