#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/small_pretraining.h"

namespace espalier {

/// A decoder's config, a tokenizer trained by the program and a text, in a folder of their own.
class SmallDecoderTraining {
 public:
  SmallDecoderTraining()
      : text(folder.write("text.txt", SmallPretraining::text_of(300, 1))),
        held_out(folder.write("held-out.txt", SmallPretraining::text_of(40, 2))) {
    const auto run = run_program({"tokenizer", "train", "--kind", "bpe", text, "--vocab-size", "300", "--out",
                                  path("tokenizer/tokenizer.json")});
    EXPECT_EQ(run.exit_code, 0) << run.err;
  }

  /// config.json of a family, small.
  std::string config(const std::string& family) const {
    nlohmann::json fields = {
        {"model_type", family},     {"vocab_size", 300},        {"hidden_size", 32},
        {"num_hidden_layers", 2},   {"num_attention_heads", 4}, {"num_key_value_heads", 2},
        {"intermediate_size", 24},  {"hidden_act", "silu"},     {"max_position_embeddings", 64},
        {"num_experts_per_tok", 2}, {"rms_norm_eps", 1e-5},     {"initializer_range", 0.08}};
    if (family == "mixtral") fields.update({{"num_local_experts", 4}, {"tie_word_embeddings", true}});
    if (family == "qwen3_moe")
      fields.update(
          {{"num_experts", 4}, {"moe_intermediate_size", 16}, {"head_dim", 8}, {"norm_topk_prob", true}});
    if (family.starts_with("deepseek"))
      fields.update({{"n_routed_experts", 4},
                     {"n_shared_experts", 1},
                     {"moe_intermediate_size", 16},
                     {"first_k_dense_replace", 1},
                     {"num_key_value_heads", 4}});
    if (family == "deepseek_v3")
      fields.update({{"q_lora_rank", nullptr},
                     {"kv_lora_rank", 16},
                     {"qk_nope_head_dim", 8},
                     {"qk_rope_head_dim", 4},
                     {"v_head_dim", 8},
                     {"n_group", 1},
                     {"topk_group", 1},
                     {"scoring_func", "sigmoid"},
                     {"topk_method", "noaux_tc"},
                     {"norm_topk_prob", true},
                     {"routed_scaling_factor", 1.5}});
    return folder.write(family + ".json", fields.dump());
  }

  std::vector<std::string> pretrain(const std::string& family, const std::string& out,
                                    const std::vector<std::string>& more = {}) const {
    return SmallPretraining::with({"pretrain",        config(family), "--tokenizer",    path("tokenizer"),
                                   "--text",          text,           "--out",          path(out),
                                   "--seq-len",       "32",           "--batch-tokens", "256",
                                   "--steps",         "80",           "--log-every",    "20",
                                   "--learning-rate", "5e-3",         "--threads",      "1"},
                                  more);
  }

  /// `finetune` of the model in `from`.
  std::vector<std::string> finetune(const std::string& from, const std::string& out,
                                    const std::vector<std::string>& more = {}) const {
    return SmallPretraining::with(
        {"finetune",    path(from), "--task",          "causal_lm", "--data",  text, "--out",     path(out),
         "--seq-len",   "32",       "--batch",         "8",         "--steps", "40", "--threads", "1",
         "--log-every", "10",       "--learning-rate", "2e-3"},
        more);
  }

  std::string path(const std::string& name) const { return (folder / name).string(); }

  TemporaryFolder folder;
  std::string text, held_out;
};

}  // namespace espalier
