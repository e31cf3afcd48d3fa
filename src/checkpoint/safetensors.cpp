#include "checkpoint/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/foreign_file.h"
#include "base/json.h"

namespace espalier {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLengthBytes = 8;  // the header's length, little-endian, before the header
constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

/// The header's text; throws when it does not fit the file.
std::string_view header_text(std::span<const std::byte> file, std::string_view source) {
  refuse_foreign_or_page({reinterpret_cast<const char*>(file.data()), file.size()}, source);
  if (file.size() < kLengthBytes) {
    throw UserError(
        fmt::format("{}: truncated: {} bytes, a safetensors file has at least 8", source, file.size()),
        "download or write the file again");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  if (length > kMaxSafetensorsHeaderBytes) {
    throw UserError(fmt::format("{}: the header is said to take {} bytes, the limit is {}", source, length,
                                kMaxSafetensorsHeaderBytes),
                    "this is not a safetensors file, or it is damaged");
  }
  if (length > file.size() - kLengthBytes) {
    throw UserError(
        fmt::format("{}: truncated in the header: it takes {} bytes, the file has {} after its length",
                    source, length, file.size() - kLengthBytes),
        "download or write the file again");
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  if (!text.starts_with('{')) {
    throw UserError(fmt::format("{}: the header does not start with {{", source),
                    "this is not a safetensors file, or it is damaged");
  }
  return text;
}

[[noreturn]] void fail(std::string_view source, std::string_view tensor, std::string_view message) {
  throw UserError(fmt::format("{}: tensor {}: {}", source, tensor, message),
                  "the file is damaged or mislabelled");
}

std::vector<std::uint64_t> unsigned_array(const json& entry, const char* key, std::string_view source,
                                          std::string_view tensor) {
  const auto found = entry.find(key);
  if (found == entry.end()) fail(source, tensor, fmt::format("{} is missing", key));
  if (!found->is_array()) fail(source, tensor, fmt::format("{} is not an array", key));
  std::vector<std::uint64_t> values;
  for (const json& item : *found) {
    if (!item.is_number_unsigned() || item.get<std::uint64_t>() > kLargest) {
      fail(source, tensor,
           fmt::format("{} holds {}, expected integers from 0 to 2^63 - 1", key, item.dump()));
    }
    values.push_back(item.get<std::uint64_t>());
  }
  return values;
}

Dtype entry_dtype(const json& entry, std::string_view source, std::string_view tensor) {
  const auto found = entry.find("dtype");
  if (found == entry.end()) fail(source, tensor, "dtype is missing");
  if (!found->is_string()) fail(source, tensor, "dtype is not a string");
  try {
    return parse_dtype(found->get_ref<const std::string&>());
  } catch (const UserError& error) {
    throw UserError(fmt::format("{}: tensor {}: {}", source, tensor, error.what()), error.hint());
  }
}

SafetensorsEntry read_entry(const std::string& name, const json& entry, std::uint64_t data_begin,
                            std::uint64_t data_bytes, std::string_view source) {
  if (!entry.is_object()) fail(source, name, "its entry is not an object");
  SafetensorsEntry result{name, entry_dtype(entry, source, name), {}, 0, 0};
  for (const std::uint64_t size : unsigned_array(entry, "shape", source, name)) {
    result.shape.push_back(static_cast<std::int64_t>(size));
  }
  const std::vector<std::uint64_t> offsets = unsigned_array(entry, "data_offsets", source, name);
  if (offsets.size() != 2)
    fail(source, name, fmt::format("data_offsets has {} numbers, expected 2", offsets.size()));
  if (offsets[0] > offsets[1]) {
    fail(source, name, fmt::format("data_offsets [{}, {}] end before they begin", offsets[0], offsets[1]));
  }
  if (offsets[1] > data_bytes) {
    fail(source, name,
         fmt::format("truncated: its bytes end at {}, the data section has {}", offsets[1], data_bytes));
  }
  const std::optional<std::uint64_t> expected = tensor_bytes(result.dtype, result.shape);
  if (!expected) {
    fail(source, name,
         fmt::format("shape [{}] is larger than 2^63 - 1 bytes", fmt::join(result.shape, ", ")));
  }
  if (*expected != offsets[1] - offsets[0]) {
    fail(source, name,
         fmt::format("{} [{}] takes {} bytes, data_offsets give it {}", espalier::name(result.dtype),
                     fmt::join(result.shape, ", "), *expected, offsets[1] - offsets[0]));
  }
  result.begin = data_begin + offsets[0];
  result.end = data_begin + offsets[1];
  return result;
}

std::map<std::string, std::string> read_metadata(const json& value, std::string_view source) {
  if (!value.is_object())
    throw UserError(fmt::format("{}: __metadata__ is not an object", source),
                    "convert the file again: safetensors has an object of strings there");
  std::map<std::string, std::string> result;
  for (const auto& item : value.items()) {
    if (!item.value().is_string()) {
      throw UserError(fmt::format("{}: __metadata__: {} is not a string", source, item.key()),
                      "convert the file again: safetensors has an object of strings there");
    }
    result[item.key()] = item.value().get<std::string>();
  }
  return result;
}

/// The tensors must tile the data section: neither overlap nor hole, up to the file's last byte.
void check_tiling(const SafetensorsHeader& header, std::uint64_t file_bytes, std::string_view source) {
  std::vector<const SafetensorsEntry*> by_place;
  for (const SafetensorsEntry& entry : header.tensors) by_place.push_back(&entry);
  std::sort(by_place.begin(), by_place.end(), [](const auto* a, const auto* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::uint64_t at = header.data_begin;
  for (const SafetensorsEntry* entry : by_place) {
    if (entry->begin < at) {
      fail(source, entry->name, fmt::format("overlaps another tensor by {} bytes", at - entry->begin));
    }
    if (entry->begin > at) {
      fail(source, entry->name, fmt::format("{} bytes before it belong to no tensor", entry->begin - at));
    }
    at = entry->end;
  }
  if (at != file_bytes) {
    throw UserError(
        fmt::format("{}: oversized: {} bytes after the last tensor belong to none", source, file_bytes - at),
        "the file is damaged or mislabelled");
  }
}

}  // namespace

std::optional<std::uint64_t> tensor_bytes(Dtype dtype, std::span<const std::int64_t> shape) {
  unsigned __int128 bytes = size_bytes(dtype);
  for (const std::int64_t size : shape) {
    if (size < 0) return std::nullopt;
    bytes *= static_cast<std::uint64_t>(size);  // below 2^63 * 2^63: fits 128 bits
    if (bytes > kLargest) return std::nullopt;
  }
  return static_cast<std::uint64_t>(bytes);
}

SafetensorsHeader parse_safetensors(std::span<const std::byte> file, std::string_view source) {
  const std::string_view text = header_text(file, source);
  const json root = parse_json(text, fmt::format("{} (header)", source));
  SafetensorsHeader header;
  header.data_begin = kLengthBytes + text.size();
  const std::uint64_t data_bytes = file.size() - header.data_begin;
  for (const auto& item : root.items()) {  // in the order of the keys: sorted
    if (item.key() == "__metadata__") {
      header.metadata = read_metadata(item.value(), source);
    } else {
      header.tensors.push_back(read_entry(item.key(), item.value(), header.data_begin, data_bytes, source));
    }
  }
  check_tiling(header, file.size(), source);
  return header;
}

}  // namespace espalier
