#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "temporary_folder.h"

/// Writes checkpoints of the layout in which V-MoE's authors publish theirs: MessagePack by hand.
namespace espalier::testing {

inline std::string big_endian(std::uint64_t number, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(number >> (8 * i) & 0xFFU);
  return text;
}

inline std::string packed(std::int64_t number) {
  return number >= 0 && number < 128 ? std::string(1, static_cast<char>(number))
                                     : "\xD3" + big_endian(static_cast<std::uint64_t>(number), 8);
}
inline std::string packed_text(const std::string& text) {
  return "\xD9" + big_endian(text.size(), 1) + text;
}
inline std::string packed_bytes(const std::string& bytes) {
  return "\xC6" + big_endian(bytes.size(), 4) + bytes;
}
inline std::string packed_array(const std::vector<std::string>& values) {
  std::string text = "\xDC" + big_endian(values.size(), 2);
  for (const auto& value : values) text += value;
  return text;
}
inline std::string packed_map(const std::vector<std::pair<std::string, std::string>>& values) {
  std::string text = "\xDE" + big_endian(values.size(), 2);
  for (const auto& [key, value] : values) text += packed_text(key) + value;
  return text;
}
inline std::string packed_extension(int type, const std::string& bytes) {
  return "\xC9" + big_endian(bytes.size(), 4) + static_cast<char>(type) + bytes;
}
inline const std::string kNil = "\xC0";

struct WrittenArray {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

inline std::string packed_shape(const std::vector<std::int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const auto size : shape) sizes.push_back(packed(size));
  return packed_array(sizes);
}

/// flax's form of an array.
inline std::string packed_values(const float* values, std::size_t count) {
  std::string bytes(count * sizeof(float), '\0');
  std::memcpy(bytes.data(), values, bytes.size());
  return packed_extension(1, packed_array({packed_shape({static_cast<std::int64_t>(count)}),
                                           packed_text("float32"), packed_bytes(bytes)}));
}

/// Rows begin .. end of the first axis, the other axes whole.
inline std::string packed_slices(const std::vector<std::int64_t>& shape, std::int64_t begin,
                                 std::int64_t end) {
  std::vector<std::string> slices;
  for (std::size_t d = 0; d < shape.size(); ++d)
    slices.push_back(
        packed_bytes(packed_array({packed(d == 0 ? begin : 0), packed(d == 0 ? end : shape[d]), kNil})));
  return packed_array(slices);
}

/// PREFIX.index and two shards in `folder`: arrays whose first axis can be halved have a half in each, others
/// lie in the first, in two pieces. Returns the prefix. Names are paths.
inline std::string write_partitioned(const TemporaryFolder& folder,
                                     const std::map<std::string, WrittenArray>& arrays) {
  // A tree of maps; leaves in the order of the sorted keys of every map.
  struct Node {
    std::map<std::string, Node> inner;
    const WrittenArray* leaf = nullptr;
  };
  Node root;
  for (const auto& [name, array] : arrays) {
    Node* node = &root;
    for (std::size_t at = 0; at <= name.size();) {
      const auto end = std::min(name.find('/', at), name.size());
      node = &node->inner[name.substr(at, end - at)];
      at = end + 1;
    }
    node->leaf = &array;
  }
  std::vector<std::pair<std::string, std::string>> shards[2];
  for (auto& shard : shards) shard.push_back({"__msgpack_array_chunk_a87ca2__", "\xC3"});
  int number = 0;
  const std::function<std::string(const Node&)> pack = [&](const Node& node) -> std::string {
    if (node.leaf == nullptr) {
      std::vector<std::pair<std::string, std::string>> inner;
      for (const auto& [key, value] : node.inner) inner.push_back({key, pack(value)});
      return packed_map(inner);
    }
    const auto& [shape, values] = *node.leaf;
    const bool halved = !shape.empty() && shape[0] % 2 == 0;
    const auto key = std::to_string(number++);
    std::vector<std::string> slices, places;
    for (int part = 0; part < (halved ? 2 : 1); ++part) {
      const auto rows = shape.empty() ? 1 : shape[0] / (halved ? 2 : 1);
      const auto count = values.size() / (halved ? 2 : 1);
      const float* begin = values.data() + static_cast<std::size_t>(part) * count;
      const auto slice = packed_slices(shape, part * rows, (part + 1) * rows);
      const auto pieces = packed_array(
          {packed_values(begin, count / 2), packed_values(begin + count / 2, count - count / 2)});
      shards[part].push_back({key, packed_array({packed_array({pieces, packed_extension(6, slice)})})});
      slices.push_back(packed_bytes(slice));
      places.push_back(packed(part));
    }
    const auto shaped = packed_array({packed_shape(shape), packed_text("float32"), "\xC2", packed_map({})});
    return packed_extension(8,
                            packed_array({packed_bytes(shaped), packed_array(slices), packed_array(places)}));
  };
  const auto index = pack(root);
  folder.write(
      "ckpt_1.index",
      packed_map({{"shard_count", packed(2)}, {"index", index}, {"version", packed_text("20220622")}}));
  for (int i = 0; i < 2; ++i)
    folder.write("ckpt_1.data-0000" + std::to_string(i) + "-of-00002", packed_map(shards[i]));
  return (folder / "ckpt_1").string();
}

}  // namespace espalier::testing
