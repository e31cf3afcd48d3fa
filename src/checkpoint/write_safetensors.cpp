#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"

namespace espalier {
namespace {

constexpr std::size_t kHeaderAlignment =
    8;  // the widest element, so that the data section is aligned in a mapping

std::uint64_t source_bytes(const TensorSource& tensor) {
  const std::optional<std::uint64_t> bytes = tensor_bytes(tensor.dtype, tensor.shape);
  if (!bytes) {
    throw InternalError(
        fmt::format("tensor {} has the impossible shape [{}]", tensor.name, fmt::join(tensor.shape, ", ")));
  }
  return *bytes;
}

/// Header order: by name. Data order: wider elements first, then by name.
std::vector<const TensorSource*> data_order(const std::vector<TensorSource>& tensors) {
  std::vector<const TensorSource*> order;
  for (const TensorSource& tensor : tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const TensorSource* a, const TensorSource* b) {
    return size_bytes(a->dtype) > size_bytes(b->dtype);
  });
  return order;
}

/// Sorted by name as `tensors` are, with their places in the data section.
std::vector<SafetensorsEntry> entries_of(const std::vector<TensorSource>& tensors,
                                         const std::vector<const TensorSource*>& order) {
  std::map<const TensorSource*, std::uint64_t> begin_of;
  std::uint64_t at = 0;
  for (const TensorSource* tensor : order) {
    begin_of[tensor] = at;
    at += source_bytes(*tensor);
  }
  std::vector<SafetensorsEntry> entries;
  for (const TensorSource& tensor : tensors) {
    const std::uint64_t begin = begin_of[&tensor];
    entries.push_back({tensor.name, tensor.dtype, tensor.shape, begin, begin + source_bytes(tensor)});
  }
  return entries;
}

void sort_and_check(std::vector<TensorSource>& tensors) {
  std::sort(tensors.begin(), tensors.end(),
            [](const TensorSource& a, const TensorSource& b) { return a.name < b.name; });
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].name == "__metadata__" || (i > 0 && tensors[i].name == tensors[i - 1].name)) {
      throw InternalError(fmt::format("tensor name {} is taken", tensors[i].name));
    }
  }
}

}  // namespace

std::string safetensors_header(std::span<const SafetensorsEntry> tensors,
                               const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::string text = header.dump();
  text.pop_back();  // the closing brace; ordered_json looks keys up one by one, too slow for thousands of
                    // tensors
  for (const SafetensorsEntry& tensor : tensors) {
    if (text.size() > 1) text += ',';
    text += fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                        nlohmann::json(tensor.name).dump(), name(tensor.dtype), fmt::join(tensor.shape, ","),
                        tensor.begin, tensor.end);
  }
  text += '}';
  text.resize((text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  const std::uint64_t size = text.size();
  std::string length(sizeof size, '\0');
  std::memcpy(length.data(), &size, sizeof size);
  return length + text;
}

void write_safetensors(const std::filesystem::path& file, std::vector<TensorSource> tensors,
                       const std::map<std::string, std::string>& metadata) {
  sort_and_check(tensors);
  const std::vector<const TensorSource*> order = data_order(tensors);
  const std::string header = safetensors_header(entries_of(tensors, order), metadata);
  std::uint64_t total = header.size();
  std::uint64_t largest = 0;
  for (const TensorSource& tensor : tensors) {
    total += source_bytes(tensor);
    largest = std::max(largest, source_bytes(tensor));
  }
  AtomicFile output(file);
  output.reserve(total);
  output.write(header);
  std::vector<std::byte> buffer(largest);
  for (const TensorSource* tensor : order) {
    const std::span<std::byte> bytes = std::span(buffer).first(source_bytes(*tensor));
    tensor->fill(bytes);
    output.write(bytes);
  }
  output.commit();
}

}  // namespace espalier
