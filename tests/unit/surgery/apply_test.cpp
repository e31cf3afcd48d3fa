// Plans applied to small checkpoints of every family, compared with what a few lines of arithmetic on names
// and bytes say.
#include <gtest/gtest.h>

#include <regex>

#include "unit/base/user_error.h"
#include "unit/surgery/pruned_model.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using namespace fixtures;
using Bytes = std::vector<std::byte>;

const std::vector<int> kKeep{1, 2, 5, 6};  // two of each half, for routers with two groups

struct Case {
  const char* model_type;
  SmallStorage storage;
  std::size_t shards;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.model_type << (c.storage == SmallStorage::kStacked ? "_stacked" : "") << "_" << c.shards;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  std::size_t shards = 1;
  for (const arch::Family& family : language_models()) {
    cases.push_back({family.model_type.data(), SmallStorage::kPublished, shards});
    shards = shards % 3 + 1;
  }
  cases.push_back({"mixtral", SmallStorage::kStacked, 2});
  cases.push_back({"qwen2_moe", SmallStorage::kStacked, 1});
  cases.push_back({"deepseek_v3", SmallStorage::kStacked, 3});
  return cases;
}

/// The tensors that should be left when every layer keeps `keep`, by names alone. Next-token layers: `tail`.
std::map<std::string, Bytes> expected_tensors(const std::vector<SmallTensor>& tensors,
                                              const std::vector<int>& keep, const std::vector<int>& tail) {
  const std::regex of_expert(R"((.*\.experts\.(?:expert_)?)(\d+)(\..*))");
  const std::regex of_all(R"(.*\.(experts\.[a-z].*|input_linear\..*|output_linear\..*|gate\..*|router\..*))");
  std::map<std::string, Bytes> expected;
  for (const SmallTensor& tensor : tensors) {
    const auto& kept = tensor.name.starts_with("model.layers.3.") ? tail : keep;
    const Bytes bytes = bytes_of(tensor);
    std::smatch match;
    if (std::regex_match(tensor.name, match, of_expert)) {
      const auto at = std::find(kept.begin(), kept.end(), std::stoi(match[2]));
      if (at != kept.end())
        expected[match[1].str() + std::to_string(at - kept.begin()) + match[3].str()] = bytes;
    } else if (std::regex_match(tensor.name, of_all)) {
      const std::size_t row = bytes.size() / 8;
      Bytes& rows = expected[tensor.name];
      for (const int expert : kept)
        rows.insert(rows.end(), bytes.begin() + static_cast<std::ptrdiff_t>(expert * row),
                    bytes.begin() + static_cast<std::ptrdiff_t>((expert + 1) * row));
    } else {
      expected[tensor.name] = bytes;
    }
  }
  return expected;
}

/// The experts of a next-token layer with the largest router rows, two of each half.
std::vector<int> tail_by_norm(const std::vector<SmallTensor>& tensors) {
  std::vector<int> keep;
  for (const SmallTensor& tensor : tensors) {
    if (tensor.name != "model.layers.3.mlp.gate.weight") continue;
    std::vector<float> values(32);
    to_float32(tensor.dtype, bytes_of(tensor), values);
    for (int half = 0; half < 2; ++half) {
      std::vector<std::pair<double, int>> norms;
      for (int e = 4 * half; e < 4 * half + 4; ++e) {
        double sum = 0;
        for (int i = 0; i < 4; ++i) sum += std::pow(values[static_cast<std::size_t>(4 * e + i)], 2);
        norms.emplace_back(-sum, e);
      }
      std::sort(norms.begin(), norms.end());
      keep.push_back(norms[0].second);
      keep.push_back(norms[1].second);
    }
  }
  std::sort(keep.begin(), keep.end());
  return keep;
}

void expect_tensors(const fs::path& folder, const std::map<std::string, Bytes>& expected) {
  const Checkpoint result = Checkpoint::open(folder);
  EXPECT_EQ(result.names().size(), expected.size());
  for (const auto& [name, bytes] : expected) {
    ASSERT_TRUE(result.contains(name)) << name;
    EXPECT_EQ(stored(result, name), bytes) << name;
  }
}

class Apply : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(EveryFamily, Apply, ::testing::ValuesIn(all_cases()),
                         [](const auto& row) { return ::testing::PrintToString(row.param); });

TEST_P(Apply, KeepsTheBytesOfSurvivorsAndNothingElse) {
  const SurgeryFolder folder;
  const std::string type = GetParam().model_type;
  const auto tensors = small_tensors(type, GetParam().storage);
  const Checkpoint before = store(folder.model(), small_config(type), tensors, GetParam().shards);
  const int top_k = type == "switch_transformers" ? 1 : 2;
  const ApplySummary summary = folder.apply(plan_keeping(planned_layers(before), kKeep, 8, top_k));
  expect_tensors(folder.out(), expected_tensors(tensors, kKeep, tail_by_norm(tensors)));
  const Checkpoint after = Checkpoint::open(folder.out());
  auto config = small_config(type);
  described(config)[std::string(arch::family_named(type).config.experts)] = 4;
  EXPECT_EQ(after.config(), config);
  EXPECT_EQ(summary.file_bytes_after, after.file_bytes());
  const auto inspection = inspect(after);
  EXPECT_EQ(summary.parameters_after, inspection.parameters);
  EXPECT_EQ(summary.parameters_per_token_after, inspection.parameters_per_token);
  const VerifySummary verified = folder.verify();
  EXPECT_EQ(verified.tensors, after.names().size());
  EXPECT_EQ(verified.dropped, before.names().size() - after.names().size());
}

TEST_P(Apply, KeepingAllChangesNoByte) {
  const SurgeryFolder folder;
  const std::string type = GetParam().model_type;
  const auto tensors = small_tensors(type, GetParam().storage);
  const Checkpoint before = store(folder.model(), small_config(type), tensors, GetParam().shards);
  const int top_k = type == "switch_transformers" ? 1 : 2;
  folder.apply(plan_keeping(planned_layers(before), {0, 1, 2, 3, 4, 5, 6, 7}, 8, top_k));
  std::map<std::string, Bytes> expected;
  for (const SmallTensor& tensor : tensors) expected[tensor.name] = bytes_of(tensor);
  expect_tensors(folder.out(), expected);
  EXPECT_EQ(read_file(folder.out() / "config.json"), read_file(folder.model() / "config.json"));
}

TEST(ApplyShards, AreOfTheChosenSizeAndIndexed) {
  const SurgeryFolder folder;
  const auto tensors = small_tensors("olmoe");
  store(folder.model(), small_config("olmoe"), tensors, 3);
  auto options = folder.options();
  options.shard_bytes = 600;
  const auto summary = folder.apply(plan_keeping({0, 1, 2}, kKeep), options);
  EXPECT_GT(summary.files.size(), 3U);
  for (const auto& [file, bytes] : summary.files) EXPECT_EQ(fs::file_size(folder.out() / file), bytes);
  expect_tensors(folder.out(), expected_tensors(tensors, kKeep, {}));
  const auto index = read_json(folder.out() / "model.safetensors.index.json");
  std::uint64_t total = 0;
  const Checkpoint result = Checkpoint::open(folder.out());
  for (const auto name : result.names()) total += result.tensor(name).bytes.size();
  EXPECT_EQ(index.at("metadata").at("total_size"), total);
  for (const auto name : result.names()) {  // aligned to its element, whatever lies before
    const auto bytes = result.tensor(name).bytes;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % size_bytes(result.tensor(name).dtype), 0U)
        << name;
  }
}

TEST(ApplyShards, ByDefaultNoneIsLargerThanTheLargestBefore) {
  const SurgeryFolder folder;
  store(folder.model(), small_config("mixtral"), small_tensors("mixtral"), 3);
  folder.apply(plan_keeping({0, 1, 2}, kKeep));
  std::uint64_t largest = 0;
  for (const auto& file : Checkpoint::open(folder.model()).files())
    largest = std::max(largest, fs::file_size(file));
  const auto files = Checkpoint::open(folder.out()).files();
  EXPECT_LT(files.size(), 3U);
  for (const auto& file : files) EXPECT_LE(fs::file_size(file), largest + 4096);  // and a header
}

TEST(ApplyMerge, IsAWeightedSumInFloat32RoundedOnce) {
  for (const SmallStorage storage : {SmallStorage::kPublished, SmallStorage::kStacked}) {
    const SurgeryFolder folder;
    const Checkpoint before = store_small(folder.model(), "mixtral", storage);
    Plan plan = plan_keeping({0, 1, 2}, kKeep);
    plan.layers[1].merge = {{2, {2, 3, 7}, {0.5, 0.3, -0.25}}};
    folder.apply(plan);
    const Checkpoint after = Checkpoint::open(folder.out());
    const auto row = [&](const Checkpoint& checkpoint, const std::string& name, std::size_t index,
                         std::size_t size) {
      const TensorView tensor = checkpoint.tensor(name);
      std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
      to_float32(tensor.dtype, tensor.bytes, values);
      return std::vector<float>(values.begin() + static_cast<std::ptrdiff_t>(index * size),
                                values.begin() + static_cast<std::ptrdiff_t>((index + 1) * size));
    };
    const auto expect_sum = [&](const auto& name_of, const auto& index_of, std::size_t size) {
      std::vector<float> sum(size, 0.0F);
      for (const auto& [expert, weight] : {std::pair{2, 0.5F}, {3, 0.3F}, {7, -0.25F}}) {
        const auto values = row(before, name_of(expert), index_of(expert), size);
        for (std::size_t i = 0; i < size; ++i) sum[i] += weight * values[i];
      }
      std::vector<std::byte> rounded(2 * size);
      from_float32(Dtype::kBF16, sum, rounded);
      std::vector<float> expected(size);
      to_float32(Dtype::kBF16, rounded, expected);
      EXPECT_EQ(row(after, name_of(1), index_of(1), size), expected) << name_of(1);  // expert 2 is 1 now
    };
    const std::string moe = "model.layers.1.block_sparse_moe.";
    const auto same = [](const std::string& name) { return [name](int) { return name; }; };
    const auto number = [](int expert) { return static_cast<std::size_t>(expert); };
    expect_sum(same(moe + "gate.weight"), number, 4);
    if (storage == SmallStorage::kStacked) {
      expect_sum(same(moe + "experts.down_proj"), number, 24);
    } else {
      const auto of = [&](int expert) { return moe + "experts." + std::to_string(expert) + ".w2.weight"; };
      expect_sum(
          of, [](int) { return std::size_t{0}; }, 24);
    }
    EXPECT_EQ(folder.verify().tensors, after.names().size());
  }
}

TEST(ApplyConfig, WritesWhatChanges) {
  struct Row {
    const char* type;
    nlohmann::json before;  ///< merged into the config
    Plan plan;
    SurgeryOptions options;
    nlohmann::json after;  ///< what must be different then
  };
  Plan unequal = plan_keeping({0, 1, 2}, kKeep);
  unequal.layers[1].keep = {0, 3};
  const std::vector<int> three{0, 1, 2};
  Plan zeros = plan_keeping({0, 1, 2}, kKeep);
  zeros.router = PlanRouter::kZeroOutput;
  const std::vector<Row> rows{
      {"mixtral",
       {},
       plan_keeping({0, 1, 2}, {3}, 8, 1),
       {},
       {{"num_local_experts", 1}, {"num_experts_per_tok", 1}}},
      {"mixtral", {}, unequal, {.unequal = UnequalCounts::kAsList}, {{"num_local_experts", {4, 2, 4}}}},
      {"deepseek",
       {},
       plan_keeping({1}, kKeep),
       {.unequal = UnequalCounts::kAsList},
       {{"n_routed_experts", {nullptr, 4, 8}}}},
      {"deepseek_v3",
       {},
       plan_keeping({1, 2}, three),
       {.groups = RouterGroups::kReset},
       {{"n_routed_experts", 3}, {"n_group", 1}, {"topk_group", 1}}},
      {"deepseek_v3",
       {},
       plan_keeping({1, 2}, kKeep),
       {.next_token = NextTokenLayers::kDrop},
       {{"n_routed_experts", 4}, {"num_nextn_predict_layers", 0}}},
      {"gpt_oss",
       {{"experts_per_token", 2}},
       plan_keeping({0, 1, 2}, kKeep, 8, 1),
       {},
       {{"num_local_experts", 4}, {"num_experts_per_tok", 1}, {"experts_per_token", 1}}},
      {"mixtral", {}, zeros, {.zero_output = ZeroOutput::kZeroFill}, nlohmann::json::object()},
      {"mixtral",
       {{"quantization_config",
         {{"ignore",
           {"lm_head", "model.layers.1.block_sparse_moe.gate", "model.layers.1.block_sparse_moe.experts.5.w1",
            "model.layers.1.block_sparse_moe.experts.0.w2", "re:.*experts.*"}},
          {"per_module", {{"model.layers.2.block_sparse_moe.experts.6", {{"bits", 8}}}}}}}},
       plan_keeping({0, 1, 2}, kKeep),
       {},
       {{"num_local_experts", 4},
        {"quantization_config",
         {{"ignore",
           {"lm_head", "model.layers.1.block_sparse_moe.gate", "model.layers.1.block_sparse_moe.experts.2.w1",
            "re:.*experts.*"}},
          {"per_module", {{"model.layers.2.block_sparse_moe.experts.3", {{"bits", 8}}}}}}}}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.after.dump());
    const SurgeryFolder folder;
    auto config = small_config(row.type);
    if (!row.before.is_null()) config.update(row.before);
    store(folder.model(), config, small_tensors(row.type));
    folder.apply(row.plan, row.options);
    config.update(row.after);
    const Checkpoint after = Checkpoint::open(folder.out());
    EXPECT_EQ(after.config(), config);
    EXPECT_FALSE(inspect(after).topology.layers.empty());  // every verb reads it back
    EXPECT_EQ(folder.verify(row.options).tensors, after.names().size());
  }
}

TEST(ApplyZeroFill, KeepsNumbersAndRouterAndWritesZeros) {
  const SurgeryFolder folder;
  const Checkpoint before = store_small(folder.model(), "gpt_oss");
  Plan plan = plan_keeping({0, 1, 2}, kKeep);
  plan.router = PlanRouter::kZeroOutput;
  folder.apply(plan, {.zero_output = ZeroOutput::kZeroFill});
  const Checkpoint after = Checkpoint::open(folder.out());
  EXPECT_EQ(after.names(), before.names());
  EXPECT_EQ(stored(after, "model.layers.0.mlp.router.weight"),
            stored(before, "model.layers.0.mlp.router.weight"));
  const std::string name = "model.layers.0.mlp.experts.down_proj_blocks";
  auto expected = stored(before, name);
  for (const std::size_t expert : {0, 3, 4, 7})
    std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(expert * expected.size() / 8),
                expected.size() / 8, std::byte{0});
  EXPECT_EQ(stored(after, name), expected);
}

TEST(ApplyNextToken, LayersThatAreDroppedLeaveNothing) {
  const SurgeryFolder folder;
  store_small(folder.model(), "deepseek_v3");
  folder.apply(plan_keeping({1, 2}, kKeep), {.next_token = NextTokenLayers::kDrop});
  const Checkpoint after = Checkpoint::open(folder.out());
  for (const auto name : after.names()) EXPECT_FALSE(name.starts_with("model.layers.3.")) << name;
}

TEST(Apply, NotesPatternsThatMayNameExpertsByNumber) {
  const SurgeryFolder folder;
  auto config = small_config("mixtral");
  config["quantization_config"] = {
      {"ignore", {"re:.*experts[.]7[.].*", "re:.*lm_head"}},
      {"dynamic", {{"-:.*layers\\.1\\.block_sparse_moe\\.experts\\.(3|6)\\..*", nlohmann::json::object()}}},
      {"extra_config", {{".*experts\\.5\\..*", {{"bits", 8}}}, {".*experts\\.w13.*", {{"bits", 8}}}}}};
  store(folder.model(), config, small_tensors("mixtral"));
  write_file(folder.model() / "hf_quant_config.json",
             R"({"quantization": {"exclude_modules": ["lm_head", "model.layers.0.block_sparse_moe.experts.5*",
                                                      "model.layers.0.block_sparse_moe.experts.7.*"]}})");
  write_plan(folder.plan_file(), plan_keeping({0, 1, 2}, kKeep));
  const auto notes = prepare_surgery(folder.model(), folder.plan_file(), {}, 0).summary.notes;
  const auto about = [&](const char* text) {
    return std::count_if(notes.begin(), notes.end(),
                         [&](const std::string& note) { return note.find(text) != std::string::npos; });
  };
  EXPECT_EQ(about("the pattern re:.*experts[.]7[.].* is kept"), 1);
  EXPECT_EQ(
      about(
          R"(quantization_config: the pattern -:.*layers\.1\.block_sparse_moe\.experts\.(3|6)\..* is kept)"),
      1);
  EXPECT_EQ(about(R"(the pattern .*experts\.5\..* is kept)"), 1);
  EXPECT_EQ(about("hf_quant_config.json: the pattern model.layers.0.block_sparse_moe.experts.5* is kept"), 1);
  EXPECT_EQ(about("experts.7.*"), 0) << "a name to its end, which is renumbered";
  EXPECT_EQ(about("w13") + about("lm_head"), 0) << "they name no expert";
}

}  // namespace
}  // namespace espalier
