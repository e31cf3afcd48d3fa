// Decoders unlike those with recorded outputs, against plain loops in float64 from the same tensors.
#include "infer/decoder.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "infer/decoder_forward.h"
#include "reference/decoder.h"
#include "unit/base/user_error.h"
#include "unit/infer/small_decoder.h"
#include "values.h"

namespace espalier::infer {
namespace {

constexpr double kOracleTolerance = 1e-5;  // of float32 with sums in any order

using fixtures::expect_user_error;
using nlohmann::json;

struct Variant {
  const char* golden;  ///< whose config it changes
  const char* patch;
  Dtype dtype = Dtype::kF32;
};
std::ostream& operator<<(std::ostream& out, const Variant& variant) {
  return out << variant.golden << ' ' << variant.patch;
}

const std::vector<Variant> kVariants{
    {"mixtral", R"({"num_local_experts": 5, "num_experts_per_tok": 3, "num_key_value_heads": 1})"},
    {"mixtral", R"({"num_local_experts": 3, "num_experts_per_tok": 1, "num_key_value_heads": 4})",
     Dtype::kF16},
    {"mixtral", R"({"num_local_experts": [2, 8, 5], "tie_word_embeddings": true, "sliding_window": 7})"},
    {"mixtral", R"({"hidden_size": 60, "num_attention_heads": 6, "num_key_value_heads": 3, "head_dim": 14,
                    "rope_scaling": {"type": "linear", "factor": 3.0}})"},
    {"qwen2-moe", R"({"num_experts": 12, "num_experts_per_tok": 5, "mlp_only_layers": [1]})"},
    {"qwen2-moe", R"({"norm_topk_prob": true, "qkv_bias": false, "tie_word_embeddings": true})"},
    {"qwen2-moe", R"({"use_sliding_window": true, "sliding_window": 4, "max_window_layers": 1,
                      "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}})"},
    {"mixtral",
     R"({"sliding_window": 5, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
                    "rope_parameters": {"full_attention": {"rope_type": "linear", "rope_theta": 3e4, "factor": 2.0},
                                        "sliding_attention": {"rope_type": "default", "rope_theta": 1e3}}})"},
    {"qwen3-moe", R"({"attention_bias": true, "num_experts": 6, "num_experts_per_tok": 6, "head_dim": 10})"},
    {"qwen3-moe", R"({"norm_topk_prob": false, "num_key_value_heads": 4, "decoder_sparse_step": 3})"},
    {"olmoe", R"({"num_key_value_heads": 2, "clip_qkv": 0.7, "num_experts": 16, "num_experts_per_tok": 8})"},
    {"olmoe", R"({"norm_topk_prob": true, "rms_norm_eps": 1e-3, "attention_bias": true})"},
    {"deepseek-v1", R"({"first_k_dense_replace": 0, "moe_layer_freq": 2, "n_shared_experts": 1})"},
    {"deepseek-v1", R"({"n_shared_experts": null, "num_key_value_heads": 2, "norm_topk_prob": true,
                        "num_experts_per_tok": 4})"},
    {"deepseek-v2", R"({"n_group": 3, "topk_group": 1, "num_experts_per_tok": 3, "v_head_dim": 12,
                        "attention_bias": true})"},
    {"deepseek-v2-lite",
     R"({"rope_scaling": {"type": "yarn", "factor": 10, "mscale": 1.0, "mscale_all_dim": 0.5,
                             "original_max_position_embeddings": 32}, "n_routed_experts": 7,
                             "routed_scaling_factor": 3.0})"},
    {"deepseek-v3", R"({"n_group": 2, "topk_group": 1, "num_experts_per_tok": 3, "norm_topk_prob": false})"},
    {"deepseek-v3", R"({"n_group": 1, "topk_group": 1, "q_lora_rank": null, "first_k_dense_replace": 2,
                        "rope_scaling": {"type": "yarn", "factor": 4.0, "mscale": 1.0, "mscale_all_dim": 1.0,
                        "beta_fast": 32, "beta_slow": 1, "original_max_position_embeddings": 16}})",
     Dtype::kBF16},
};

json patched(const Variant& variant) {
  json fields = golden_config(variant.golden);
  fields.merge_patch(json::parse(variant.patch));
  return fields;
}

class DecoderVariants : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Table, DecoderVariants, ::testing::ValuesIn(kVariants));

TEST_P(DecoderVariants, AgreeWithPlainLoops) {
  const SmallDecoder small(patched(GetParam()));
  const auto ids = random_ids(37, small.spec.text().vocabulary, 3);
  reference::Decoder oracle(small.spec, small.weights);
  const auto expected = oracle.logits({ids.begin(), ids.end()});
  const DecoderModel model = load_decoder(small.open());
  const auto hidden = [&](std::int64_t layer, const float* x) {
    expect_close(values_of({x, ids.size() * static_cast<std::size_t>(model.width())}),
                 oracle.hidden[static_cast<std::size_t>(layer)], kOracleTolerance, "hidden states");
  };
  const auto x = run_sequence(model, ids, {}, hidden);
  expect_close(values_of(logits_of(model, x)), expected, kOracleTolerance, "logits");
}

TEST(RopeTables, AreOneForEachSettingThatBlocksHave) {
  arch::ModelSpec spec = arch::read_spec(golden_config("mixtral"), "config.json");
  const RopeTables same(spec, 8);
  EXPECT_EQ(same.of(0), same.of(2));
  std::get<arch::GroupedAttention>(spec.blocks[1].mixer).rotary->theta = 1e4;
  std::get<arch::GroupedAttention>(spec.blocks[2].mixer).rotary.reset();
  const RopeTables tables(spec, 8);
  EXPECT_NE(tables.of(0), tables.of(1));
  EXPECT_NE(tables.of(0)->cosine_at(5)[1], tables.of(1)->cosine_at(5)[1]);
  EXPECT_EQ(tables.of(2), nullptr);
}

TEST(Decoder, APackedBatchIsItsSequencesOneByOne) {
  const SmallDecoder small(golden_config("deepseek-v2"));
  const DecoderModel model = load_decoder(small.open());
  SequenceLayout layout;
  std::vector<std::int32_t> ids;
  Values alone;
  for (const std::int64_t length : {9, 1, 21}) {
    const auto sequence =
        random_ids(length, small.spec.text().vocabulary, static_cast<std::uint64_t>(length));
    layout.append(length);
    ids.insert(ids.end(), sequence.begin(), sequence.end());
    const auto x = run_sequence(model, sequence);
    alone.insert(alone.end(), x.span().begin(), x.span().end());
  }
  Buffer<float> x(layout.tokens() * model.width());
  embed(model, ids, x.data());
  const RopeTables rope(model.spec, layout.longest());
  for (std::int64_t layer = 0; layer < model.spec.layers(); ++layer)
    ReadyBlock(model, layer, rope).run(layout, x.data(), {});
  expect_close(values_of(x), alone, kOracleTolerance, "packed");
}

TEST(Decoder, TokenByTokenWithAPastIsTheSequenceAtOnce) {
  for (const char* golden : {"mixtral", "qwen3-moe", "deepseek-v3"}) {
    const SmallDecoder small(golden_config(golden));
    const DecoderModel model = load_decoder(small.open());
    const auto ids = random_ids(23, small.spec.text().vocabulary, 8);
    const auto expected = run_sequence(model, ids);
    const RopeTables rope(model.spec, 23);
    Buffer<float> x(23 * model.width());
    embed(model, ids, x.data());
    for (std::int64_t layer = 0; layer < model.spec.layers(); ++layer) {
      const ReadyBlock block(model, layer, rope);
      KeyValues past;
      std::int64_t done = 0;
      for (const std::int64_t step : {10, 1, 1, 7, 1, 3}) {
        block.run(step, x.data() + done * model.width(), past);
        done += step;
      }
      EXPECT_EQ(past.length, 23);
    }
    expect_close(values_of(x), values_of(expected), kOracleTolerance, golden);
  }
}

TEST(Decoder, WidenedWeightsGiveTheSameBits) {
  const SmallDecoder small(golden_config("qwen2-moe"), 4, Dtype::kBF16);
  const DecoderModel model = load_decoder(small.open());
  const auto ids = random_ids(12, small.spec.text().vocabulary, 1);
  const DecoderModel wide = widened(model);
  EXPECT_EQ(values_of(run_sequence(model, ids)), values_of(run_sequence(wide, ids)));
  EXPECT_EQ(values_of(logits_of(model, run_sequence(model, ids))),
            values_of(logits_of(wide, run_sequence(wide, ids))));
}

TEST(Decoder, StackedExpertsAreTheSameAsSeparateOnes) {
  const SmallDecoder small(golden_config("qwen3-moe"));
  const TemporaryFolder folder;
  std::filesystem::copy_file(small.folder() / "config.json", folder / "config.json");
  const auto D = small.spec.width, F = arch::first_moe(small.spec)->expert.width;
  std::vector<TensorSource> sources;
  std::map<std::string, std::vector<float>> stacks;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, std::vector<float> values) {
    sources.push_back({name, Dtype::kF32, std::move(shape), [values](std::span<std::byte> to) {
                         std::memcpy(to.data(), values.data(), to.size());
                       }});
  };
  for (const auto& [name, shape] : decoder_tensors(small.spec)) {
    const auto& values = small.weights.at(name);
    if (name.find(".experts.") == std::string::npos) add(name, shape, {values.begin(), values.end()});
  }
  for (std::int64_t layer = 0; layer < small.spec.layers(); ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".mlp.experts.";
    std::vector<float> gate_up, down;
    for (int e = 0; e < 8; ++e)
      for (const char* part : {"gate_proj", "up_proj", "down_proj"}) {
        const auto& values = small.weights.at(prefix + std::to_string(e) + "." + part + ".weight");
        auto& stack = std::string(part) == "down_proj" ? down : gate_up;
        stack.insert(stack.end(), values.begin(), values.end());
      }
    add(prefix + "gate_up_proj", {8, 2 * F, D}, gate_up);
    add(prefix + "down_proj", {8, D, F}, down);
  }
  write_safetensors(folder / "model.safetensors", std::move(sources));
  const auto ids = random_ids(11, small.spec.text().vocabulary, 2);
  EXPECT_EQ(values_of(run_sequence(load_decoder(small.open()), ids)),
            values_of(run_sequence(load_decoder(Checkpoint::open(folder.path())), ids)));
}

TEST(Decoder, ShapesThatDisagreeWithTheConfigAreErrors) {
  const SmallDecoder small(golden_config("mixtral"));
  const auto with = [&](const char* patch) {
    json fields = golden_config("mixtral");
    fields.merge_patch(json::parse(patch));
    write_file(small.folder() / "config.json", dump_json(fields));
    load_decoder(small.open());
  };
  expect_user_error([&] { with(R"({"intermediate_size": 80})"); },
                    {"block_sparse_moe.experts.0.w1.weight", "is [72, 64]", "asks for [80, 64]"});
  expect_user_error([&] { with(R"({"num_local_experts": 7})"); },
                    {"gate.weight", "[8, 64]", "expected 7 experts"});
  expect_user_error([&] { with(R"({"num_hidden_layers": 4})"); },
                    {"block 3 has experts, but no router weight"});
  expect_user_error([&] { with(R"({"vocab_size": 321})"); },
                    {"model.embed_tokens.weight", "asks for [321, 64]"});
}

TEST(Decoder, TokensOutsideTheVocabularyAreErrors) {
  const SmallDecoder small(golden_config("mixtral"));
  const DecoderModel model = load_decoder(small.open());
  expect_user_error(
      [&] {
        run_sequence(model, std::vector<std::int32_t>{5, 320});
      },
      {"token 1 is 320", "ids 0 to 319"});
  expect_user_error([&] { run_sequence(model, std::vector<std::int32_t>{-1}); }, {"token 0 is -1"});
}

}  // namespace
}  // namespace espalier::infer
