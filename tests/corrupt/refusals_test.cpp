// What one verb refuses of a config or a checkpoint, every verb refuses, in the same words.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "cli/run_program.h"
#include "paths.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// What is done to a golden's config.json, or to the tensors of its model.
struct Broken {
  const char* title;
  const char* golden;
  json config;            ///< merged into it; null takes a field out
  const char* lost = "";  ///< tensors whose name has this are left out
};

const std::vector<Broken> kBroken{
    {"model_type", "mixtral", {{"model_type", "gpt2"}}},
    {"a field is missing", "mixtral", {{"hidden_size", nullptr}}},
    {"a field that only the forward pass reads", "qwen3-moe", {{"rms_norm_eps", 0}}},
    {"heads", "olmoe", {{"num_attention_heads", "four"}}},
    {"an activation that nobody has", "deepseek-v1", {{"hidden_act", "swish2"}}},
    {"more experts than the router chooses from", "mixtral", {{"num_experts_per_tok", 9}}},
    {"groups", "deepseek-v3", {{"n_group", 7}}},
    {"another width", "mixtral", {{"hidden_size", 128}}},
    {"another width of experts", "qwen2-moe", {{"moe_intermediate_size", 12}}},
    {"a list that is too short", "glm4-moe-lite", {{"mlp_layer_types", {"dense"}}}},
    {"an expert is missing", "mixtral", json::object(), "experts.3."},
    {"attention is missing", "mixtral", json::object(), "layers.1.self_attn.k_proj"},
    {"a norm is missing", "deepseek-v2", json::object(), "kv_a_layernorm"},
};

std::string golden(const std::string& name) {
  return source_dir() + "/tests/golden/" + name;
}

/// Every verb that opens a language model, with nothing else wrong.
std::vector<std::vector<std::string>> openings(const TemporaryFolder& folder, const std::string& model) {
  const std::string tokens = golden("mixtral") + "/tokens.json",
                    text = folder.write("text.txt", "One two three.\n");
  const std::string plan = folder.write(
      "plan.json",
      R"({"format": "espalier.plan/1", "provenance": {"criterion": "none", "schedule": "one_shot", "seed": 0},
          "router": "reroute", "layers": [{"layer": 1, "num_experts_before": 8, "keep": [0, 2, 5, 7]}]})");
  const std::string keep = folder.write("keep.json", R"({"1": [0, 2, 5, 7]})");
  const auto out = [&](const char* name) { return (folder / name).string(); };
  return {{"inspect", model},
          {"check", plan, model},
          {"plan", "--keep-list", keep, "--model", model, "--out", out("of-list.json")},
          {"score", model, "--criterion", "router_norm", "--out", out("scores.json")},
          {"align", plan, model, "--out", out("aligned.json")},
          {"apply", model, plan, "--out", out("pruned")},
          {"verify", model, model, "--plan", plan},
          {"prune", model, "--criterion", "router_norm", "--keep", "2", "--out", out("run")},
          {"export", model, "--to", "mistral", "--out", out("exported")},
          {"logits", model, "--tokens", tokens, "--out", out("logits.safetensors")},
          {"generate", model, "--prompt-ids", "1"},
          {"observe", model, "--data", tokens, "--out", out("observations.safetensors")},
          {"eval", model, "--task", "perplexity", "--data", text},
          {"compare", model, model, "--data", text},
          {"bench", model}};
}

void copy_tensors(const fs::path& from, const fs::path& to, const std::string& lost) {
  const Checkpoint model = Checkpoint::open(from);
  std::vector<TensorSource> tensors;
  for (const auto name : model.names()) {
    if (!lost.empty() && name.find(lost) != std::string_view::npos) continue;
    const TensorView view = model.tensor(name);
    tensors.push_back(
        {std::string(name),
         view.dtype,
         {view.shape.begin(), view.shape.end()},
         [view](std::span<std::byte> out) { std::copy(view.bytes.begin(), view.bytes.end(), out.begin()); }});
  }
  write_safetensors(to / "model.safetensors", std::move(tensors));
}

class Refusals : public ::testing::TestWithParam<Broken> {};
INSTANTIATE_TEST_SUITE_P(Table, Refusals, ::testing::ValuesIn(kBroken), [](const auto& row) {
  std::string name = row.param.title;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

TEST_P(Refusals, AreTheSameInEveryVerb) {
  const TemporaryFolder folder;
  const fs::path model = folder / "model";
  fs::create_directory(model);
  json config = read_json(golden(GetParam().golden) + "/config.json");
  config.merge_patch(GetParam().config);
  write_file(model / "config.json", config.dump());
  copy_tensors(golden(GetParam().golden), model, GetParam().lost);
  std::string first;
  for (const auto& words : openings(folder, model.string())) {
    const ProgramRun run = run_program(words);
    EXPECT_EQ(run.exit_code, 2) << words[0] << ": " << run.out << run.err;
    if (first.empty()) first = run.err;
    EXPECT_EQ(run.err, first) << words[0];
  }
  EXPECT_NE(first.find(model.string()), std::string::npos) << first;
}

}  // namespace
}  // namespace espalier
