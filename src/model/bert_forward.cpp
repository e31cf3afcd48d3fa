#include <fmt/format.h>

#include "base/error.h"
#include "base/rng.h"
#include "model/bert.h"

namespace espalier {
namespace {

/// The places of a block that draw random numbers; each gets a key of its own.
enum class Draw : std::uint64_t { kEmbedding, kAttention, kAttentionOutput, kRouterJitter, kOutput, kPooled };

std::uint64_t draw_key(const ForwardOptions& options, std::int64_t block, Draw draw) {
  return counter_random(options.seed, static_cast<std::uint64_t>(block), static_cast<std::uint64_t>(draw));
}

Dropout dropout(const ForwardOptions& options, double probability, std::int64_t block, Draw draw) {
  if (options.mode == Mode::kEvaluation) return {};
  return {probability, draw_key(options, block, draw)};
}

torch::Tensor position_ids(const SequenceLayout& layout) {
  auto ids = torch::empty({layout.tokens()}, torch::kInt64);
  auto* id = ids.data_ptr<std::int64_t>();
  for (std::int64_t b = 0; b < layout.sequences(); ++b)
    for (std::int64_t t = 0; t < layout.length(b); ++t) *id++ = t;
  return ids;
}

void check_batch(const BertModel& model, const TokenBatch& batch) {
  const auto& config = model.config;
  if (batch.layout.longest() > config.max_position_embeddings)
    throw UserError(fmt::format("a sequence has {} tokens, the model holds positions for {}",
                                batch.layout.longest(), config.max_position_embeddings),
                    "cut the text, or pass a smaller --seq-len");
  if (batch.ids.numel() == 0) return;
  const auto low = batch.ids.min().item<std::int64_t>(), high = batch.ids.max().item<std::int64_t>();
  if (low < 0 || high >= config.vocab_size)
    throw UserError(fmt::format("token id {} is outside the vocabulary of {} pieces", low < 0 ? low : high,
                                config.vocab_size),
                    "the tokens were made with another vocabulary than the model's");
}

torch::Tensor embed(const BertModel& model, const TokenBatch& batch, const ForwardOptions& options) {
  const auto& ops = espalier::ops(options.backend);
  const auto& embeddings = model.embeddings;
  const auto device = embeddings.word.device();
  const auto types = batch.types.defined() ? batch.types : torch::zeros_like(batch.ids);
  const auto sum = ops.embed({embeddings.word, embeddings.position, embeddings.token_type},
                             batch.ids.to(device), position_ids(batch.layout).to(device), types.to(device));
  return ops.norm(sum, embeddings.norm.weight, embeddings.norm.bias, model.config.layer_norm_eps,
                  dropout(options, model.config.hidden_dropout_prob, -1, Draw::kEmbedding));
}

RouterOptions router_options(const BertMoeConfig& config, const ForwardOptions& options) {
  const bool training = options.mode == Mode::kTraining;
  return {.experts_per_token = config.num_experts_per_tok,
          .jitter = training ? config.router_jitter : 0.0,
          .capacity_factor = config.capacity_factor};
}

torch::Tensor feed_forward(const BertModel& model, std::int64_t l, const torch::Tensor& x,
                           const ForwardOptions& options, Encoding& encoding) {
  const auto& ops = espalier::ops(options.backend);
  const auto& block = model.blocks[static_cast<std::size_t>(l)];
  if (const auto* ffn = std::get_if<FfnWeights>(&block.feed_forward)) return ops.ffn(x, *ffn);
  const auto moe = forward(ops, std::get<MoeLayer>(block.feed_forward), x,
                           router_options(model.config, options), draw_key(options, l, Draw::kRouterJitter));
  const auto balance = balance_loss(moe.routing);
  encoding.balance_loss = encoding.balance_loss.defined() ? encoding.balance_loss + balance : balance;
  if (options.on_routing) options.on_routing(l, moe.routing);
  return moe.y;
}

}  // namespace

Encoding encode(const BertModel& model, const TokenBatch& batch, const ForwardOptions& options) {
  check_batch(model, batch);
  const auto& ops = espalier::ops(options.backend);
  const auto& config = model.config;
  Encoding encoding;
  auto x = embed(model, batch, options);
  for (std::int64_t l = 0; l < static_cast<std::int64_t>(model.blocks.size()); ++l) {
    const auto& block = model.blocks[static_cast<std::size_t>(l)];
    const auto qkv = ops.linear(x, block.qkv.weight, block.qkv.bias);
    const auto context =
        ops.attention(qkv, batch.layout, config.num_attention_heads,
                      dropout(options, config.attention_probs_dropout_prob, l, Draw::kAttention));
    const auto attended = ops.linear(context, block.attention_output.weight, block.attention_output.bias);
    x = ops.add_norm(x, attended, block.attention_norm.weight, block.attention_norm.bias,
                     config.layer_norm_eps,
                     dropout(options, config.hidden_dropout_prob, l, Draw::kAttentionOutput));
    const auto y = feed_forward(model, l, x, options, encoding);
    x = ops.add_norm(x, y, block.output_norm.weight, block.output_norm.bias, config.layer_norm_eps,
                     dropout(options, config.hidden_dropout_prob, l, Draw::kOutput));
  }
  encoding.hidden = x;
  return encoding;
}

torch::Tensor mlm_logits(const BertModel& model, const torch::Tensor& rows, const ForwardOptions& options) {
  if (!model.mlm_head) throw InternalError("mlm_logits: the model has no masked-language-model head");
  const auto& ops = espalier::ops(options.backend);
  const auto& head = *model.mlm_head;
  const auto activated = ops.gelu(ops.linear(rows, head.transform.weight, head.transform.bias));
  const auto normed = ops.norm(activated, head.norm.weight, head.norm.bias, model.config.layer_norm_eps, {});
  return ops.linear(normed, model.embeddings.word, head.bias);
}

torch::Tensor classify(const BertModel& model, const torch::Tensor& hidden, const SequenceLayout& layout,
                       const ForwardOptions& options) {
  if (!model.pooler || !model.classifier)
    throw InternalError("classify: the model has no classification head");
  const auto& ops = espalier::ops(options.backend);
  const std::vector<std::int64_t> firsts(layout.offsets.begin(), layout.offsets.end() - 1);
  const auto first = hidden.index_select(0, torch::tensor(firsts, torch::kInt64).to(hidden.device()));
  const auto pooled = torch::tanh(ops.linear(first, model.pooler->weight, model.pooler->bias));
  const auto dropped =
      ops.dropout(pooled, dropout(options, model.config.dropout_before_classifier(), -1, Draw::kPooled));
  return ops.linear(dropped, model.classifier->weight, model.classifier->bias);
}

}  // namespace espalier
