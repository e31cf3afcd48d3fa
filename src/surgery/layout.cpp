#include "surgery/layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "checkpoint/safetensors.h"
#include "surgery/output_tensors.h"

namespace espalier {
namespace {

/// Names as `transformers` writes them.
std::string shard_name(std::size_t index, std::size_t count) {
  return count == 1 ? "model.safetensors" : fmt::format("model-{:05}-of-{:05}.safetensors", index + 1, count);
}

std::string header_of(const std::vector<OutputTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<SafetensorsEntry> entries;
  std::uint64_t at = 0;
  for (const OutputTensor& tensor : tensors) {
    entries.push_back({tensor.name, tensor.dtype, tensor.shape, at, at + tensor.bytes()});
    at += tensor.bytes();
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return safetensors_header(entries, metadata);
}

/// So that every tensor is aligned to its element.
void wider_dtypes_first(std::vector<OutputTensor>& tensors) {
  std::stable_sort(tensors.begin(), tensors.end(), [](const OutputTensor& a, const OutputTensor& b) {
    return size_bytes(a.dtype) > size_bytes(b.dtype);
  });
}

std::uint64_t largest_file(const Checkpoint& checkpoint) {
  std::uint64_t largest = 0;
  for (const auto& file : checkpoint.files())
    largest = std::max<std::uint64_t>(largest, std::filesystem::file_size(file));
  return largest;
}

std::vector<OutputShard> cut(std::vector<OutputTensor> tensors, std::uint64_t shard_bytes) {
  std::vector<OutputShard> shards(1);
  std::uint64_t bytes = 0;
  for (OutputTensor& tensor : tensors) {
    if (bytes > 0 && bytes + tensor.bytes() > shard_bytes) {
      shards.emplace_back();
      bytes = 0;
    }
    bytes += tensor.bytes();
    shards.back().tensors.push_back(std::move(tensor));
  }
  return shards;
}

}  // namespace

std::uint64_t OutputTensor::bytes() const {
  std::uint64_t sum = 0;
  for (const OutputPiece& piece : pieces) sum += piece.bytes;
  return sum;
}

std::uint64_t OutputShard::bytes() const {
  std::uint64_t sum = header.size();
  for (const OutputTensor& tensor : tensors) sum += tensor.bytes();
  return sum;
}

std::uint64_t Layout::file_bytes() const {
  std::uint64_t sum = 0;
  for (const OutputShard& shard : shards) sum += shard.bytes();
  return sum;
}

Layout plan_layout(const Checkpoint& checkpoint, const Surgery& surgery, std::uint64_t shard_bytes) {
  return lay_out(checkpoint, output_tensors(checkpoint, surgery), shard_bytes);
}

Layout lay_out(const Checkpoint& checkpoint, std::vector<OutputTensor> tensors, std::uint64_t shard_bytes) {
  Layout layout;
  layout.inputs = checkpoint.files();
  layout.shards = cut(std::move(tensors), shard_bytes == 0 ? largest_file(checkpoint) : shard_bytes);
  auto metadata = checkpoint.metadata();
  metadata.emplace("format", "pt");  // without it transformers refuses the file
  for (std::size_t i = 0; i < layout.shards.size(); ++i) {
    OutputShard& shard = layout.shards[i];
    shard.file = shard_name(i, layout.shards.size());
    wider_dtypes_first(shard.tensors);
    shard.header = header_of(shard.tensors, metadata);
    for (const OutputTensor& tensor : shard.tensors) layout.data_bytes += tensor.bytes();
  }
  return layout;
}

}  // namespace espalier
