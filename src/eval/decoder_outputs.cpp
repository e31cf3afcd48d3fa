#include "eval/sequence_outputs.h"

#include <fmt/format.h>

#include <cstring>

#include "checkpoint/checkpoint.h"
#include "infer/decoder_forward.h"

namespace espalier {

std::int64_t write_sequence_outputs(const infer::DecoderModel& model, const TokenSequences& sequences,
                                    const std::filesystem::path& file) {
  std::vector<TensorSource> tensors;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto& sequence = sequences[i];
    tensors.push_back({fmt::format("seq{}.logits", i),
                       Dtype::kF32,
                       {static_cast<std::int64_t>(sequence.size()), model.vocabulary()},
                       [&model, &sequence](std::span<std::byte> bytes) {
                         const std::vector<std::int32_t> ids(sequence.begin(), sequence.end());
                         const auto N = static_cast<std::int64_t>(ids.size());
                         Buffer<float> logits(N * model.vocabulary());
                         decoder_logits(model, N, run_sequence(model, ids).data(), logits.data());
                         std::memcpy(bytes.data(), logits.data(), bytes.size());
                       }});
  }
  const auto count = static_cast<std::int64_t>(tensors.size());
  write_safetensors(file, std::move(tensors));
  return count;
}

}  // namespace espalier
