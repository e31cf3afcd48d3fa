#include "checkpoint/partitioned_checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <optional>
#include <set>

#include "base/error.h"
#include "checkpoint/mapped_file.h"
#include "checkpoint/msgpack.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// Numbers of MessagePack extensions in these files.
enum Extension : std::int8_t { kArray = 1, kSliceNd = 6, kIndexInfo = 8 };
constexpr std::string_view kChunksMark = "__msgpack_array_chunk_a87ca2__";
constexpr std::int64_t kMostElements = std::int64_t{1} << 40;

struct Slice {
  std::int64_t begin = 0, end = 0;
};
using SliceNd = std::vector<Slice>;  // one for each axis

/// What the index says of an array.
struct IndexedArray {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> shards;  // that hold parts of it
};

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw UserError(fmt::format("{}: {}", where, what),
                  "the checkpoint is damaged or incomplete: fetch it again");
}

std::vector<std::int64_t> shape_from(const MsgpackValue& value, const std::string& where) {
  std::vector<std::int64_t> shape;
  std::int64_t elements = 1;
  for (const MsgpackValue& size : value.array(where)) {
    shape.push_back(size.integer(where));
    if (shape.back() < 0 || (shape.back() > 0 && elements > kMostElements / shape.back()))
      fail(where, fmt::format("an array of {} elements on an axis", shape.back()));
    elements *= shape.back();
  }
  return shape;
}

std::int64_t elements_of(const std::vector<std::int64_t>& shape) {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;
  return product;
}

/// (start, stop, step) of each axis, each packed by itself.
SliceNd slices_from(std::span<const std::byte> bytes, const std::string& where) {
  SliceNd slices;
  const MsgpackValue all = parse_msgpack(bytes, where);
  for (const MsgpackValue& packed : all.array(where)) {
    const MsgpackValue slice = parse_msgpack(packed.bytes(where), where);
    const auto& parts = slice.array(where);
    if (parts.size() != 3) fail(where, "a slice has three parts");
    slices.push_back({parts[0].integer(where), parts[1].integer(where)});
  }
  return slices;
}

IndexedArray indexed_array(std::string name, std::span<const std::byte> bytes, const std::string& where) {
  const MsgpackValue info = parse_msgpack(bytes, where);
  const auto& parts = info.array(where);
  if (parts.size() != 3) fail(where, fmt::format("{}: an entry has three parts", name));
  const MsgpackValue shaped = parse_msgpack(parts[0].bytes(where), where);
  const auto& shape = shaped.array(where);
  if (shape.empty()) fail(where, fmt::format("{}: no shape", name));
  IndexedArray array{std::move(name), shape_from(shape[0], where), {}};
  for (const MsgpackValue& shard : parts[2].array(where)) array.shards.push_back(shard.integer(where));
  return array;
}

/// Leaves in the order in which jax numbers them: by the sorted keys of every map.
void append_leaves(const MsgpackValue& value, const std::string& name, const std::string& where,
                   std::vector<IndexedArray>& leaves) {
  if (const auto* map = value.find_map()) {
    for (const auto& [key, inner] : *map)
      append_leaves(inner, name.empty() ? key : name + "/" + key, where, leaves);
    return;
  }
  const auto* extension = value.find_extension();
  if (extension == nullptr) {
    if (std::holds_alternative<MsgpackValue::Nil>(value.value)) return;  // jax has no leaf for None
    fail(where, fmt::format("{}: expected an entry of the index", name));
  }
  if (extension->type != kIndexInfo)
    fail(where, fmt::format("{}: extension {} is no entry", name, extension->type));
  leaves.push_back(indexed_array(name, extension->bytes, where));
}

struct Index {
  std::int64_t shards = 0;
  std::vector<IndexedArray> arrays;
};

Index read_index(const fs::path& prefix) {
  const fs::path file = prefix.string() + ".index";
  const MappedFile mapped(file);
  const std::string where = file.string();
  const MsgpackValue root = parse_msgpack(mapped.bytes(), where);
  const auto& map = root.map(where);
  for (const char* key : {"shard_count", "index"})
    if (!map.contains(key)) fail(where, fmt::format("no \"{}\"", key));
  Index index{map.at("shard_count").integer(where), {}};
  append_leaves(map.at("index"), "", where, index.arrays);
  return index;
}

Dtype dtype_of(const std::string& name, const std::string& where) {
  if (name == "float32") return Dtype::kF32;
  if (name == "bfloat16") return Dtype::kBF16;
  if (name == "float16") return Dtype::kF16;
  fail(where, fmt::format("the dtype {}, expected float32, bfloat16 or float16", name));
}

/// flax packs an array as (shape, dtype, bytes).
void append_values(const MsgpackValue& packed, const std::string& where, std::vector<float>& values) {
  const auto* extension = packed.find_extension();
  if (extension == nullptr || extension->type != kArray) fail(where, "expected an array");
  const MsgpackValue array = parse_msgpack(extension->bytes, where);
  const auto& parts = array.array(where);
  if (parts.size() != 3) fail(where, "an array has three parts");
  const Dtype dtype = dtype_of(parts[1].text(where), where);
  const auto bytes = parts[2].bytes(where);
  const auto count = static_cast<std::size_t>(elements_of(shape_from(parts[0], where)));
  if (bytes.size() != count * size_bytes(dtype))
    fail(where, fmt::format("{} bytes for an array of {} elements", bytes.size(), count));
  const std::size_t before = values.size();
  values.resize(before + count);
  to_float32(dtype, bytes, std::span(values).subspan(before));
}

/// Copies a dense block into its place; how many elements.
std::int64_t place(const SliceNd& slices, const std::vector<float>& block, PartitionedArray& array,
                   const std::string& where) {
  const std::size_t axes = array.shape.size();
  if (slices.size() != axes) fail(where, fmt::format("{} slices for {} axes", slices.size(), axes));
  std::int64_t count = 1;
  for (std::size_t d = 0; d < axes; ++d) {
    const Slice& slice = slices[d];
    if (slice.begin < 0 || slice.end < slice.begin || slice.end > array.shape[d])
      fail(where, fmt::format("a slice {}:{} of an axis of {}", slice.begin, slice.end, array.shape[d]));
    count *= slice.end - slice.begin;
  }
  if (static_cast<std::int64_t>(block.size()) != count)
    fail(where, fmt::format("{} values for a slice of {}", block.size(), count));
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i, to = 0, stride = 1;
    for (std::size_t d = axes; d-- > 0;) {
      const std::int64_t size = slices[d].end - slices[d].begin;
      to += (slices[d].begin + rest % size) * stride;
      rest /= size;
      stride *= array.shape[d];
    }
    array.values[static_cast<std::size_t>(to)] = block[static_cast<std::size_t>(i)];
  }
  return count;
}

/// Reads the shard's parts of the wanted arrays; `filled` counts elements by array.
void read_shard(const fs::path& file, const Index& index, std::map<std::string, PartitionedArray>& arrays,
                std::map<std::string, std::int64_t>& filled) {
  const MappedFile mapped(file);
  const MsgpackValue root = parse_msgpack(mapped.bytes(), file.string());
  const auto& parts = root.map(file.string());
  if (!parts.contains(std::string(kChunksMark))) fail(file.string(), "no parts of arrays in it");
  for (std::size_t i = 0; i < index.arrays.size(); ++i) {
    const auto wanted = arrays.find(index.arrays[i].name);
    const auto found = parts.find(std::to_string(i));
    if (wanted == arrays.end() || found == parts.end()) continue;
    const std::string where = fmt::format("{}: {}", file.string(), wanted->first);
    for (const MsgpackValue& pair : found->second.array(where)) {
      const auto& both = pair.array(where);
      if (both.size() != 2) fail(where, "a part has two parts of its own");
      std::vector<float> block;
      for (const MsgpackValue& piece : both[0].array(where)) append_values(piece, where, block);
      const auto* slices = both[1].find_extension();
      if (slices == nullptr || slices->type != kSliceNd) fail(where, "a part without its slice");
      filled[wanted->first] += place(slices_from(slices->bytes, where), block, wanted->second, where);
    }
  }
}

}  // namespace

std::string parameters_prefix(const fs::path& prefix) {
  std::set<std::string> roots;
  for (const IndexedArray& array : read_index(prefix).arrays) {
    for (const char* root : {"params/", "optimizer/target/", "opt/target/"})
      if (array.name.starts_with(root)) roots.insert(root);
  }
  return roots.empty() ? "" : *roots.rbegin();
}

std::map<std::string, PartitionedArray> read_partitioned_checkpoint(const fs::path& prefix,
                                                                    std::string_view under) {
  const Index index = read_index(prefix);
  std::map<std::string, PartitionedArray> arrays;
  std::set<std::int64_t> shards;
  for (const IndexedArray& array : index.arrays) {
    if (!array.name.starts_with(under)) continue;
    const auto elements = static_cast<std::size_t>(elements_of(array.shape));
    arrays[array.name] = {array.shape, std::vector<float>(elements)};
    shards.insert(array.shards.begin(), array.shards.end());
  }
  std::map<std::string, std::int64_t> filled;
  for (const std::int64_t shard : shards) {
    if (shard < 0 || shard >= index.shards)
      fail(prefix.string() + ".index", fmt::format("shard {} of {}", shard, index.shards));
    read_shard(fmt::format("{}.data-{:05}-of-{:05}", prefix.string(), shard, index.shards), index, arrays,
               filled);
  }
  for (const auto& [name, array] : arrays) {
    if (filled[name] != static_cast<std::int64_t>(array.values.size()))
      fail(prefix.string(),
           fmt::format("{}: {} of {} values are in the shards", name, filled[name], array.values.size()));
  }
  return arrays;
}

}  // namespace espalier
