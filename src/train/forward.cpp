#include "train/forward.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "train/pass.h"

namespace espalier::train {
namespace {

torch::Tensor position_ids(const SequenceLayout& layout) {
  auto ids = torch::empty({layout.tokens()}, torch::kInt64);
  auto* id = ids.data_ptr<std::int64_t>();
  for (std::int64_t b = 0; b < layout.sequences(); ++b)
    for (std::int64_t t = 0; t < layout.length(b); ++t) *id++ = t;
  return ids;
}

void check_batch(const Transformer& model, const TokenBatch& batch) {
  const auto& input = model.spec.text();
  if (input.position_table && batch.layout.longest() > input.positions)
    throw UserError(fmt::format("a sequence has {} tokens, the model holds positions for {}",
                                batch.layout.longest(), input.positions),
                    "cut the text, or pass a smaller --seq-len");
  if (batch.ids.numel() == 0) return;
  const auto low = batch.ids.min().item<std::int64_t>(), high = batch.ids.max().item<std::int64_t>();
  if (low < 0 || high >= input.vocabulary)
    throw UserError(fmt::format("token id {} is outside the vocabulary of {} pieces", low < 0 ? low : high,
                                input.vocabulary),
                    "the tokens were made with another vocabulary than the model's");
}

torch::Tensor embed_tokens(const Pass& pass, const TokenBatch& batch) {
  const auto& model = pass.model;
  const auto device = model.token.device();
  torch::Tensor positions, types;
  if (model.position.defined()) positions = position_ids(batch.layout).to(device);
  if (model.token_type.defined())
    types = (batch.types.defined() ? batch.types : torch::zeros_like(batch.ids)).to(device);
  auto x =
      pass.ops.embed({model.token, model.position, model.token_type}, batch.ids.to(device), positions, types);
  if (const auto& norm = model.spec.text().norm) x = apply_norm(pass, *norm, model.embedding_norm, x);
  return pass.ops.dropout(x, pass.dropout(-1, Draw::kEmbedding));
}

/// [B, S, S, 3] -> [B * patches, P * P * 3]
torch::Tensor patches_of(const arch::ImageInput& input, const torch::Tensor& pixels) {
  const auto S = input.image_size;
  if (pixels.dim() != 4 || pixels.size(1) != S || pixels.size(2) != S || pixels.size(3) != 3)
    throw UserError(fmt::format("images of {} x {} pixels, the model takes {} x {}", pixels.size(1),
                                pixels.size(2), S, S),
                    "resize them to the size of the model");
  const auto B = pixels.size(0), P = input.patch_size, G = S / P;
  return pixels.view({B, G, P, G, P, 3}).permute({0, 1, 3, 2, 4, 5}).reshape({B * G * G, P * P * 3});
}

torch::Tensor embed_images(const Pass& pass, const torch::Tensor& pixels) {
  const auto& model = pass.model;
  const auto& input = model.spec.image();
  const auto B = pixels.size(0), D = model.spec.width;
  const auto patches = apply_linear(pass, model.patch, patches_of(input, pixels));
  const auto tokens =
      torch::cat({model.class_token.view({1, 1, D}).expand({B, 1, D}), patches.view({B, input.patches(), D})},
                 1) +
      model.position;
  return pass.ops.dropout(tokens.view({-1, D}), pass.dropout(-1, Draw::kEmbedding));
}

}  // namespace

Encoding encode(const Transformer& model, const TokenBatch& batch, const ForwardOptions& options,
                const torch::Tensor& rows) {
  check_batch(model, batch);
  Pass pass(model, options, batch.layout);
  auto x = embed_tokens(pass, batch);
  for (std::int64_t l = 0; l < model.spec.layers(); ++l) {
    const bool last = l + 1 == model.spec.layers();
    if (last && model.blocks.back().moe() == nullptr) pass.rows = rows;
    x = apply_block(pass, l, x);
  }
  if (rows.defined() && !pass.rows.defined()) x = x.index_select(0, rows);
  if (const auto& norm = model.spec.final_norm) x = apply_norm(pass, *norm, model.final_norm, x);
  return {x, pass.balance_loss};
}

Encoding encode_images(const Transformer& model, const torch::Tensor& pixels, const ForwardOptions& options) {
  const auto positions = model.spec.image().positions(), B = pixels.size(0), M = model.spec.members;
  Pass pass(model, options, SequenceLayout::uniform(B, positions));
  auto x = embed_images(pass, pixels);
  for (std::int64_t l = 0; l < model.spec.layers(); ++l) {
    if (pass.members < M && model.spec.blocks[static_cast<std::size_t>(l)].moe() != nullptr) {
      pass.members = M;  // below the first MoE layer the members are the same
      pass.layout = SequenceLayout::uniform(B * M, positions);
      x = x.repeat({M, 1});
    }
    x = apply_block(pass, l, x);
  }
  x = x.view({B * pass.members, positions, model.spec.width}).select(1, 0).contiguous();
  return {apply_norm(pass, model.spec.final_norm.value(), model.final_norm, x), pass.balance_loss};
}

torch::Tensor masked_word_logits(const Transformer& model, const torch::Tensor& rows,
                                 const ForwardOptions& options) {
  if (!model.masked_bias.defined())
    throw InternalError("masked_word_logits: the model has no masked-language-model head");
  const Pass pass(model, options, {});
  const auto activated = pass.ops.gelu(apply_linear(pass, model.masked_transform, rows));
  const auto normed = apply_norm(pass, model.spec.text().norm.value(), model.masked_norm, activated);
  return pass.ops.linear(normed, model.token, model.masked_bias);
}

torch::Tensor next_token_logits(const Transformer& model, const torch::Tensor& rows,
                                const ForwardOptions& options) {
  return ops(options.backend).linear(rows, model.head.defined() ? model.head : model.token, {});
}

torch::Tensor classify(const Transformer& model, const torch::Tensor& hidden, const SequenceLayout& layout,
                       const ForwardOptions& options) {
  if (!model.pooler.weight.defined() || !model.classifier.weight.defined())
    throw InternalError("classify: the model has no classification head");
  const Pass pass(model, options, {});
  const std::vector<std::int64_t> firsts(layout.offsets.begin(), layout.offsets.end() - 1);
  const auto first = hidden.index_select(0, torch::tensor(firsts, torch::kInt64).to(hidden.device()));
  const auto pooled = torch::tanh(apply_linear(pass, model.pooler, first));
  const auto probability = model.spec.training.dropout_before_classifier();
  return apply_linear(pass, model.classifier,
                      pass.ops.dropout(pooled, pass.dropout(-1, Draw::kPooled, probability)));
}

torch::Tensor classify_images(const Transformer& model, const torch::Tensor& hidden,
                              const ForwardOptions& options) {
  return ops(options.backend).linear(hidden, model.classifier.weight, model.classifier.bias);
}

torch::Tensor ensemble_log_probabilities(const torch::Tensor& scores, std::int64_t members) {
  const auto each = torch::log_softmax(scores, -1).view({members, -1, scores.size(1)});
  return torch::logsumexp(each, 0) - std::log(static_cast<double>(members));
}

}  // namespace espalier::train
