#include "eval/sequence_outputs.h"

#include <fmt/format.h>
#include <torch/utils.h>

#include <cstring>
#include <optional>

#include "base/error.h"
#include "checkpoint/checkpoint.h"

namespace espalier {
namespace {

struct Outputs {
  torch::Tensor hidden;  // [T, D]
  torch::Tensor logits;  // [T, V], or undefined
  torch::Tensor scores;  // [labels], or undefined
};

Outputs run(const BertModel& model, const std::vector<std::int64_t>& ids, Backend backend) {
  const torch::NoGradGuard no_grad;
  const ForwardOptions options{.backend = backend};
  const SequenceLayout layout{{0, static_cast<std::int64_t>(ids.size())}};
  Outputs outputs;
  outputs.hidden = encode(model, {torch::tensor(ids, torch::kInt64), {}, layout}, options).hidden;
  if (model.mlm_head) outputs.logits = mlm_logits(model, outputs.hidden, options);
  if (model.classifier) outputs.scores = classify(model, outputs.hidden, layout, options).squeeze(0);
  return outputs;
}

/// The outputs of the sequence asked for last: a sequence's tensors are written one after another.
class LastOutputs {
 public:
  LastOutputs(const BertModel& model, const TokenSequences& sequences, Backend backend)
      : model_(model), sequences_(sequences), backend_(backend) {}

  void fill(std::size_t sequence, torch::Tensor Outputs::*member, std::span<std::byte> bytes) {
    if (index_ != sequence) outputs_ = run(model_, sequences_[sequence], backend_);
    index_ = sequence;
    const auto tensor = (outputs_.*member).to(torch::kCPU, torch::kFloat32).contiguous();
    if (tensor.nbytes() != bytes.size()) {
      throw InternalError(fmt::format("an output has {} bytes, expected {}", tensor.nbytes(), bytes.size()));
    }
    std::memcpy(bytes.data(), tensor.data_ptr(), bytes.size());
  }

 private:
  const BertModel& model_;
  const TokenSequences& sequences_;
  Backend backend_;
  std::optional<std::size_t> index_;
  Outputs outputs_;
};

}  // namespace

std::int64_t write_sequence_outputs(const BertModel& model, const TokenSequences& sequences, Backend backend,
                                    const std::filesystem::path& file) {
  LastOutputs last(model, sequences, backend);
  std::vector<TensorSource> tensors;
  const auto add = [&](std::size_t i, const char* name, std::vector<std::int64_t> shape,
                       torch::Tensor Outputs::*member) {
    tensors.push_back({fmt::format("seq{}.{}", i, name), Dtype::kF32, std::move(shape),
                       [&last, i, member](std::span<std::byte> bytes) { last.fill(i, member, bytes); }});
  };
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto T = static_cast<std::int64_t>(sequences[i].size());
    add(i, "hidden", {T, model.config.hidden_size}, &Outputs::hidden);
    if (model.mlm_head) add(i, "logits", {T, model.config.vocab_size}, &Outputs::logits);
    if (model.classifier) add(i, "scores", {model.config.num_labels()}, &Outputs::scores);
  }
  const auto count = static_cast<std::int64_t>(tensors.size());
  write_safetensors(file, std::move(tensors));
  return count;
}

}  // namespace espalier
