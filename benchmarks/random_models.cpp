// Writes checkpoints of random weights at the paper's size (arXiv 2206.00277, section 4.1) for `espalier
// bench`: the Mixture of Experts, the same with one expert left in each layer, and the dense model.
#include <CLI/CLI.hpp>
#include <filesystem>

#include "arch/bert_config.h"
#include "train/apply_plan.h"
#include "train/checkpoint.h"

using namespace espalier;

namespace {

/// Keeps the first expert of every MoE layer.
Plan first_expert_alone(const BertMoeConfig& config) {
  Plan plan;
  for (const auto layer : config.moe_layers) {
    LayerPlan left;
    left.layer = static_cast<int>(layer);
    left.num_experts_before = static_cast<int>(config.experts_in(layer));
    left.keep = {0};
    plan.layers.push_back(left);
  }
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  BertMoeConfig config;
  config.vocab_size = 30522;
  config.hidden_size = 768;
  config.num_hidden_layers = 12;
  config.num_attention_heads = 12;
  config.intermediate_size = 3072;
  std::vector<std::int64_t> moe_layers{3, 7};  // the paper's 4th and 8th block
  std::int64_t experts = 32;
  std::filesystem::path out;
  CLI::App app("random checkpoints for timing");
  app.add_option("--layers", config.num_hidden_layers)->capture_default_str();
  app.add_option("--width", config.hidden_size)->capture_default_str();
  app.add_option("--heads", config.num_attention_heads)->capture_default_str();
  app.add_option("--ffn", config.intermediate_size)->capture_default_str();
  app.add_option("--vocabulary", config.vocab_size)->capture_default_str();
  app.add_option("--moe-layers", moe_layers, "0-based blocks")->delimiter(',')->capture_default_str();
  app.add_option("--experts", experts)->capture_default_str();
  app.add_option("--out", out)->required();
  CLI11_PARSE(app, argc, argv);

  train::save(train::initialize(to_json(config), "the options", 1), out / "dense", Dtype::kF32);
  config.set_moe(moe_layers, experts);
  auto model = train::initialize(to_json(config), "the options", 1);
  train::save(model, out / "moe", Dtype::kF32);
  train::apply_plan(first_expert_alone(config), model);
  train::save(model, out / "single", Dtype::kF32);
}
