// config.json to a ModelSpec and back.
#include "arch/spec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "arch/family.h"
#include "base/error.h"
#include "base/json.h"
#include "paths.h"
#include "unit/arch/small_language_model.h"

namespace espalier::arch {
namespace {

using nlohmann::json;

/// Every config.json of the golden folders.
std::vector<std::pair<std::string, json>> golden_configs() {
  std::vector<std::pair<std::string, json>> configs;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() + "/tests/golden"))
    if (std::filesystem::exists(entry.path() / "logits.safetensors"))
      configs.emplace_back(entry.path().filename(), read_json(entry.path() / "config.json"));
  return configs;
}

TEST(ModelSpec, GoesIntoAConfigAndComesBack) {
  std::vector<std::pair<std::string, json>> configs = golden_configs();
  for (const Family& family : espalier::fixtures::language_models())
    configs.emplace_back(family.model_type, espalier::fixtures::small_config(std::string(family.model_type)));
  for (const auto& [name, config] : configs) {
    SCOPED_TRACE(name);
    const ModelSpec spec = read_spec(config, "config.json");
    EXPECT_EQ(read_spec(write_spec(spec, config), "again"), spec);
  }
}

// Of published models the file stays as it is, but for what has changed.
TEST(ModelSpec, WritesOnlyWhatHasChanged) {
  for (const Family& family : espalier::fixtures::language_models()) {
    SCOPED_TRACE(family.model_type);
    json config = espalier::fixtures::small_config(std::string(family.model_type));
    ModelSpec spec = read_spec(config, "config.json");
    EXPECT_EQ(write_spec(spec, config), config);
    for (BlockSpec& block : spec.blocks)
      if (block.moe() != nullptr) block.moe()->experts = block.moe()->router.rows = 4;
    const json after = write_spec(spec, config);
    espalier::fixtures::described(config)[std::string(family.config.experts)] = 4;
    EXPECT_EQ(after, config);
  }
}

TEST(ModelSpec, LatentAttentionOfGlm) {
  const json config = read_json(source_dir() + "/tests/golden/glm4-moe-lite/config.json");
  const ModelSpec spec = read_spec(config, "config.json");
  EXPECT_EQ(moe_layers(spec), (std::vector<std::int64_t>{1, 2})) << "mlp_layer_types";
  const auto& latent = std::get<LatentAttention>(spec.blocks[0].mixer);
  EXPECT_EQ(latent.query_rank, 24);
  EXPECT_EQ(latent.key_width(), 20);
  EXPECT_EQ(latent.value_width, 16);
  EXPECT_EQ(latent.rotary.pairs, RotaryPairs::kNeighbours);
  EXPECT_DOUBLE_EQ(latent.scale, 1.0 / std::sqrt(20.0));
  const Router& router = spec.blocks[1].moe()->router;
  EXPECT_EQ(router.rule.score, GateScore::kSigmoid);
  EXPECT_TRUE(router.rule.correction_bias);
  EXPECT_EQ(router.rule.scale, 1.8);
  EXPECT_EQ(spec.blocks[1].moe()->shared->network.width, 16);
}

TEST(ModelSpec, TheLanguageModelOfAVisionModelIsNested) {
  const json config = read_json(source_dir() + "/tests/golden/qwen3-vl-moe/config.json");
  const ModelSpec spec = read_spec(config, "config.json");
  EXPECT_EQ(spec.width, 40);
  EXPECT_EQ(spec.text().eos_token, 2);
  EXPECT_FALSE(spec.heads.language->tied) << "the whole's field counts, not text_config's";
  EXPECT_EQ(std::get<GroupedAttention>(spec.blocks[0].mixer).rotary->theta, 5e6);
  ModelSpec pruned = spec;
  for (BlockSpec& block : pruned.blocks) block.moe()->experts = 5;
  EXPECT_EQ(write_spec(pruned, config).at("text_config").at("num_experts"), 5);
}

TEST(Families, ThoseThatDoNotRunSayWhatIsMissing) {
  for (const Family& family : families()) {
    SCOPED_TRACE(family.model_type);
    ModelSpec spec;
    spec.family = family.model_type;
    if (family.can.missing.empty())
      EXPECT_NO_THROW(expect_runs(spec, "m/config.json"));
    else
      EXPECT_THROW(expect_runs(spec, "m/config.json"), UserError);
  }
}

}  // namespace
}  // namespace espalier::arch
