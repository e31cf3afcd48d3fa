// Writes checkpoints of random weights at the paper's size (arXiv 2206.00277, section 4.1) for `espalier
// bench`: the Mixture of Experts, the same with one expert left in each layer, and the dense model.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "train/apply_plan.h"
#include "train/checkpoint.h"

using namespace espalier;

namespace {

/// Keeps the first expert of every MoE layer.
Plan first_expert_alone(const arch::ModelSpec& spec) {
  Plan plan;
  for (const auto layer : arch::moe_layers(spec)) {
    LayerPlan left;
    left.layer = static_cast<int>(layer);
    left.num_experts_before = static_cast<int>(spec.block(layer).experts());
    left.keep = {0};
    plan.layers.push_back(left);
  }
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t layers = 12, width = 768, heads = 12, inner = 3072, vocabulary = 30522;
  std::vector<std::int64_t> moe_layers{3, 7};  // the paper's 4th and 8th block
  std::int64_t experts = 32;
  std::filesystem::path out;
  CLI::App app("random checkpoints for timing");
  app.add_option("--layers", layers)->capture_default_str();
  app.add_option("--width", width)->capture_default_str();
  app.add_option("--heads", heads)->capture_default_str();
  app.add_option("--ffn", inner)->capture_default_str();
  app.add_option("--vocabulary", vocabulary)->capture_default_str();
  app.add_option("--moe-layers", moe_layers, "0-based blocks")->delimiter(',')->capture_default_str();
  app.add_option("--experts", experts)->capture_default_str();
  app.add_option("--out", out)->required();
  CLI11_PARSE(app, argc, argv);

  nlohmann::json config{{"model_type", "bert"},         {"vocab_size", vocabulary},
                        {"hidden_size", width},         {"num_hidden_layers", layers},
                        {"num_attention_heads", heads}, {"intermediate_size", inner}};
  train::save(train::initialize(config, "the options", 1), out / "dense", Dtype::kF32);
  config.update({{"model_type", "espalier_bert_moe"}, {"moe_layers", moe_layers}, {"num_experts", experts}});
  auto model = train::initialize(config, "the options", 1);
  train::save(model, out / "moe", Dtype::kF32);
  train::apply_plan(first_expert_alone(model.spec), model);
  train::save(model, out / "single", Dtype::kF32);
}
