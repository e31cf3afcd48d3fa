#include <fmt/format.h>

#include <cstring>
#include <optional>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "eval/sequence_outputs.h"

namespace espalier {
namespace {

struct Outputs {
  Buffer<float> hidden;  // [T, D]
  Buffer<float> logits;  // [T, V], or empty
  Buffer<float> scores;  // [labels], or empty
};

Outputs outputs_of(const infer::EncoderModel& model, const std::vector<std::int64_t>& ids) {
  const auto T = static_cast<std::int64_t>(ids.size());
  const infer::SequenceLayout layout{{0, T}};
  Outputs outputs;
  outputs.hidden = encode(model, {ids, {}, layout});
  if (model.masked_words) outputs.logits = masked_word_logits(model, T, outputs.hidden.data());
  if (model.classifier) outputs.scores = classify(model, layout, outputs.hidden.data());
  return outputs;
}

/// The outputs of the sequence asked for last: a sequence's tensors are written one after another.
class LastOutputs {
 public:
  LastOutputs(const infer::EncoderModel& model, const TokenSequences& sequences)
      : model_(model), sequences_(sequences) {}

  void fill(std::size_t sequence, Buffer<float> Outputs::*member, std::span<std::byte> bytes) {
    if (index_ != sequence) outputs_ = outputs_of(model_, sequences_[sequence]);
    index_ = sequence;
    const auto values = std::as_bytes((outputs_.*member).span());
    if (values.size() != bytes.size())
      throw InternalError(fmt::format("an output has {} bytes, expected {}", values.size(), bytes.size()));
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }

 private:
  const infer::EncoderModel& model_;
  const TokenSequences& sequences_;
  std::optional<std::size_t> index_;
  Outputs outputs_;
};

}  // namespace

std::int64_t write_sequence_outputs(const infer::EncoderModel& model, const TokenSequences& sequences,
                                    const std::filesystem::path& file) {
  LastOutputs last(model, sequences);
  std::vector<TensorSource> tensors;
  const auto add = [&](std::size_t i, const char* name, std::vector<std::int64_t> shape,
                       Buffer<float> Outputs::*member) {
    tensors.push_back({fmt::format("seq{}.{}", i, name), Dtype::kF32, std::move(shape),
                       [&last, i, member](std::span<std::byte> bytes) { last.fill(i, member, bytes); }});
  };
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto T = static_cast<std::int64_t>(sequences[i].size());
    add(i, "hidden", {T, model.width()}, &Outputs::hidden);
    if (model.masked_words) add(i, "logits", {T, model.vocabulary()}, &Outputs::logits);
    if (model.classifier) add(i, "scores", {model.spec.heads.label_count()}, &Outputs::scores);
  }
  const auto count = static_cast<std::int64_t>(tensors.size());
  write_safetensors(file, std::move(tensors));
  return count;
}

}  // namespace espalier
