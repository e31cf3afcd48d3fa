#include "train/causal_language_modelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "train/checkpoint.h"
#include "train/training_memory.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// How far a correction bias moves each step (DeepSeek-AI 2024, arXiv 2412.19437, 4.2).
constexpr double kBiasStep = 1e-3;

constexpr std::array kTokenizerFiles = {
    "tokenizer.json",    "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "tokenizer.model",       "vocab.json",
    "merges.txt",        "generation_config.json"};

void copy_tokenizer_files(const fs::path& tokenizer, const fs::path& folder) {
  const auto from = fs::is_directory(tokenizer) ? tokenizer : tokenizer.parent_path();
  for (const char* name : kTokenizerFiles)
    if (fs::exists(from / name)) write_file(folder / name, read_file(from / name));
}

nlohmann::json paths(const std::vector<fs::path>& files) {
  auto list = nlohmann::json::array();
  for (const auto& file : files) list.push_back(file.string());
  return list;
}

bool has_correction(const train::Transformer& model) {
  return std::any_of(model.blocks.begin(), model.blocks.end(), [](const train::Block& block) {
    return block.moe() != nullptr && block.moe()->correction.defined();
  });
}

torch::Tensor tensor_of(const std::vector<std::int64_t>& values) {
  return torch::tensor(values, torch::kInt64);
}

}  // namespace

CausalLanguageModelling::CausalLanguageModelling(train::Transformer model, const CausalText& text,
                                                 const TrainingOptions& options)
    : model_(std::move(model)),
      text_(text),
      options_(options),
      tokenizer_(open_tokenizer(text.tokenizer)),
      tokenizer_hash_(sha256(read_file(find_tokenizer(text.tokenizer).file))) {
  if (options.note)
    for (const std::string& note : model_.spec.notes) options.note(note);
  const auto& input = model_.spec.text();
  if (tokenizer_->vocabulary_size() > input.vocabulary)
    throw UserError(
        fmt::format("{}: {} pieces, but the model's vocabulary has {}", text.tokenizer.string(),
                    tokenizer_->vocabulary_size(), input.vocabulary),
        "train a tokenizer of that size (espalier tokenizer train --kind bpe), or change vocab_size");
  if (text.sequence_length > input.positions)
    throw UserError(
        fmt::format("--seq-len {}: the model holds positions for {} tokens", text.sequence_length,
                    input.positions),
        fmt::format("pass --seq-len {} or less, or change max_position_embeddings", input.positions));
  train::expect_training_memory(model_, {.tokens = text.batch_tokens,
                                         .sequence_length = text.sequence_length,
                                         .predictions = text.batch_tokens,
                                         .outputs = input.vocabulary});
}

TokenCorpus CausalLanguageModelling::corpus_of(const std::vector<fs::path>& files) const {
  return TokenCorpus::build(files, corpus_tokenizer(*tokenizer_, tokenizer_hash_), text_.cache,
                            options_.progress, options_.note);
}

void CausalLanguageModelling::prepare() {
  const auto prefix = tokenizer_->prefix();
  CausalOptions rows{.sequence_length = text_.sequence_length,
                     .batch_tokens = text_.batch_tokens,
                     .seed = options_.seed,
                     .bos = prefix.empty() ? std::nullopt : std::optional(prefix.front())};
  corpus_.emplace(corpus_of(text_.text));
  batches_.emplace(*corpus_, rows);
  if (text_.validation_text.empty()) return;
  validation_corpus_.emplace(corpus_of(text_.validation_text));
  validation_batches_.emplace(*validation_corpus_, rows);
}

nlohmann::json CausalLanguageModelling::resolved_options() const {
  return {{"tokenizer_sha256", tokenizer_hash_},
          {"text", paths(text_.text)},
          {"validation_text", paths(text_.validation_text)},
          {"corpus_key", corpus_->key()},
          {"batch_tokens", text_.batch_tokens},
          {"sequence_length", text_.sequence_length}};
}

std::vector<OptimizedParameter> CausalLanguageModelling::parameters() {
  return optimized_parameters(model_);
}

StepLoss CausalLanguageModelling::loss(CorpusCursor& cursor, const train::ForwardOptions& options) {
  const auto batch = batches_->next(cursor);
  auto observed = options;
  routed_.clear();
  const bool balances = options_.balance_weight > 0 && has_correction(model_);
  observed.on_routing = [&](std::int64_t block, const train::Routing& routing) {
    if (options.on_routing) options.on_routing(block, routing);
    if (balances) routed_[block] = train::routed_counts(routing);
  };
  const auto output = train::encode(model_, {tensor_of(batch.ids), {}, {batch.offsets}}, observed);
  const auto logits = train::next_token_logits(model_, output.hidden, options);
  return {task_loss(batch, logits, options), output.balance_loss,
          static_cast<std::int64_t>(batch.ids.size())};
}

torch::Tensor CausalLanguageModelling::task_loss(const CausalBatch& batch, const torch::Tensor& logits,
                                                 const train::ForwardOptions& options) const {
  return ops(options.backend).cross_entropy(logits, tensor_of(batch.targets));
}

std::uint64_t CausalLanguageModelling::steps_of_an_epoch() const {
  return (batches_->rows() + batches_->rows_of_a_batch() - 1) / batches_->rows_of_a_batch();
}

void CausalLanguageModelling::describe(MetricsLine& line, double mean_task_loss) const {
  line.task_loss = mean_task_loss;
}

double CausalLanguageModelling::loss_of(const CausalBatch& batch) const {
  const torch::NoGradGuard no_grad;
  const train::ForwardOptions options{.backend = options_.backend};
  const auto output = train::encode(model_, {tensor_of(batch.ids), {}, {batch.offsets}}, options);
  const auto logits = train::next_token_logits(model_, output.hidden, options);
  return ops(options.backend).cross_entropy(logits, tensor_of(batch.targets)).item<double>();
}

std::optional<double> CausalLanguageModelling::validate(MetricsLine&) {
  if (!validation_batches_) return std::nullopt;
  const auto rows = std::min<std::uint64_t>(
      validation_batches_->rows(),
      static_cast<std::uint64_t>(std::max<std::int64_t>(1, text_.validation_tokens / text_.sequence_length)));
  const auto count = validation_batches_->rows_of_a_batch();
  double sum = 0, tokens = 0;
  for (std::uint64_t first = 0; first < rows; first += count) {
    const auto batch = validation_batches_->in_order(first, std::min(count, rows - first));
    const auto here = static_cast<double>(batch.ids.size());
    sum += loss_of(batch) * here;
    tokens += here;
  }
  return sum / tokens;
}

/// Balancing without a loss: an expert that had less than its share gets a larger bias, one that had more a
/// smaller one.
void CausalLanguageModelling::after_step() {
  for (const auto& [layer, counts] : routed_) {
    auto& bias = model_.blocks[static_cast<std::size_t>(layer)].moe()->correction;
    const auto load = counts.to(torch::kFloat32);
    bias.add_((load.mean() - load).sign(), kBiasStep);
  }
}

nlohmann::json CausalLanguageModelling::state() const {
  auto biases = nlohmann::json::object();
  for (std::size_t layer = 0; layer < model_.blocks.size(); ++layer) {
    const auto* moe = model_.blocks[layer].moe();
    if (moe == nullptr || !moe->correction.defined()) continue;
    const float* values = moe->correction.data_ptr<float>();
    biases[std::to_string(layer)] = std::vector<float>(values, values + moe->correction.numel());
  }
  return biases.empty() ? nlohmann::json::object() : nlohmann::json{{"correction_biases", biases}};
}

void CausalLanguageModelling::restore(const nlohmann::json& state) {
  if (!state.contains("correction_biases")) return;
  for (const auto& [layer, values] : state["correction_biases"].items()) {
    auto& bias = model_.blocks.at(std::stoul(layer)).moe()->correction;
    bias.copy_(torch::tensor(values.get<std::vector<float>>()));
  }
}

void CausalLanguageModelling::save_result(const fs::path& /*run_folder*/, const fs::path& folder) {
  train::save(model_, folder, options_.model_dtype);
  copy_tokenizer_files(text_.tokenizer, folder);
}

}  // namespace espalier
