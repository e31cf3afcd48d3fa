#include "arch/vmoe_import.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "arch/vmoe_tensors.h"
#include "base/error.h"
#include "base/files.h"
#include "checkpoint/checkpoint.h"

namespace espalier {
namespace {

using Arrays = std::map<std::string, PartitionedArray>;

class Importer {
 public:
  Importer(const Arrays& arrays, std::string_view prefix, const VmoeImportOptions& options,
           std::string_view source)
      : arrays_(arrays), prefix_(prefix), options_(options), source_(source) {}

  ImportedVmoe run() {
    read_sizes();
    linear("embedding", "embeddings.patch");
    copy("cls", "embeddings.class_token", {D});
    copy("Encoder/posembed_input/pos_embedding", "embeddings.position", {result_.config.positions(), D});
    for (std::int64_t block = 0; block < result_.config.num_hidden_layers; ++block) add_block(block);
    norm("Encoder/encoder_norm", "encoder.norm");
    linear("head", "classifier");
    for (const auto& [name, array] : arrays_)
      if (!used_.contains(name)) result_.left_out.push_back(name);
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw UserError(fmt::format("{}: {}", source_, what),
                    "expected a V-MoE or E3 checkpoint of google-research/vmoe");
  }

  const PartitionedArray* find(const std::string& name) {
    const auto found = arrays_.find(prefix_ + name);
    if (found == arrays_.end()) return nullptr;
    used_.insert(found->first);
    return &found->second;
  }

  const PartitionedArray& get(const std::string& name, std::size_t axes) {
    const PartitionedArray* array = find(name);
    if (array == nullptr) fail(fmt::format("the array {}{} is missing", prefix_, name));
    if (array->shape.size() != axes)
      fail(fmt::format("{}{} is [{}], expected {} axes", prefix_, name, fmt::join(array->shape, ", "), axes));
    return *array;
  }

  static std::string block_name(std::int64_t block) { return fmt::format("Encoder/encoderblock_{}/", block); }

  void read_sizes() {
    VmoeConfig& config = result_.config;
    const auto& patch = get("embedding/kernel", 4);
    const auto& positions = get("Encoder/posembed_input/pos_embedding", 3);
    if (patch.shape[0] != patch.shape[1] || patch.shape[2] != 3)
      fail(fmt::format("embedding/kernel is [{}], expected square patches of 3 channels",
                       fmt::join(patch.shape, ", ")));
    config.patch_size = patch.shape[0];
    config.hidden_size = D = patch.shape[3];
    std::int64_t grid = 1;
    while (grid * grid + 1 < positions.shape[1]) ++grid;
    if (grid * grid + 1 != positions.shape[1])
      fail(fmt::format("{} positions, expected a square grid and the class token", positions.shape[1]));
    config.image_size = grid * config.patch_size;
    while (find(block_name(config.num_hidden_layers) + "LayerNorm_0/scale") != nullptr)
      ++config.num_hidden_layers;
    if (config.num_hidden_layers == 0) fail("no encoderblock_0");
    config.num_attention_heads = get(block_name(0) + "SelfAttention/query/kernel", 3).shape[1];
    config.num_experts_per_tok = options_.experts_per_token;
    config.capacity_factor = options_.capacity_factor;
    config.ensemble_size = options_.ensemble_size;
    read_layers();
    const auto classes = get("head/kernel", 2).shape[1];
    config.labels = options_.labels;
    for (std::int64_t i = 0;
         config.labels.size() < static_cast<std::size_t>(classes) && options_.labels.empty(); ++i)
      config.labels.push_back(fmt::format("LABEL_{}", i));
    if (static_cast<std::int64_t>(config.labels.size()) != classes)
      fail(fmt::format("{} labels for a classifier of {}", config.labels.size(), classes));
    validate(config, source_);
  }

  void read_layers() {
    VmoeConfig& config = result_.config;
    for (std::int64_t block = 0; block < config.num_hidden_layers; ++block) {
      const std::string name = block_name(block);
      if (const auto* router = find(name + "Moe/Router/dense/kernel")) {
        if (router->shape.size() != 2) fail(name + "Moe/Router/dense/kernel: expected two axes");
        const auto experts = router->shape[1];
        config.moe.push_back({block, experts, experts, {}, experts});
        config.intermediate_size = get(name + "Moe/Mlp/Dense_0/kernel", 3).shape[2];
      } else {
        config.intermediate_size = get(name + "Mlp/Dense_0/kernel", 2).shape[1];
      }
    }
  }

  void store(const std::string& name, std::vector<std::int64_t> shape, std::vector<float> values) {
    std::int64_t elements = 1;
    for (const std::int64_t size : shape) elements *= size;
    if (elements != static_cast<std::int64_t>(values.size()))
      fail(fmt::format("{} values for {} [{}]", values.size(), name, fmt::join(shape, ", ")));
    result_.tensors[name] = {std::move(shape), std::move(values)};
  }

  /// The same values under another shape.
  void copy(const std::string& from, const std::string& to, std::vector<std::int64_t> shape) {
    const auto* array = find(from);
    if (array == nullptr) fail(fmt::format("the array {}{} is missing", prefix_, from));
    store(to, std::move(shape), array->values);
  }

  static std::vector<float> transposed(std::span<const float> values, std::int64_t in, std::int64_t out) {
    std::vector<float> result(values.size());
    for (std::int64_t i = 0; i < in; ++i)
      for (std::int64_t o = 0; o < out; ++o)
        result[static_cast<std::size_t>(o * in + i)] = values[static_cast<std::size_t>(i * out + o)];
    return result;
  }

  /// A kernel of any number of axes, of which the bias tells how many values are outputs: they come last.
  void linear(const std::string& from, const std::string& to) {
    const auto* kernel = find(from + "/kernel");
    const auto* bias = find(from + "/bias");
    if (kernel == nullptr || bias == nullptr)
      fail(fmt::format("{}{}: the kernel or the bias is missing", prefix_, from));
    const auto out = static_cast<std::int64_t>(bias->values.size());
    const auto all = static_cast<std::int64_t>(kernel->values.size());
    if (out == 0 || all % out != 0)
      fail(fmt::format("{}{}: {} weights for {} outputs", prefix_, from, all, out));
    store(to + ".weight", {out, all / out}, transposed(kernel->values, all / out, out));
    store(to + ".bias", {out}, bias->values);
  }

  void norm(const std::string& from, const std::string& to) {
    copy(from + "/scale", to + ".weight", {D});
    copy(from + "/bias", to + ".bias", {D});
  }

  void experts(const std::string& from, const std::string& to, const std::string& role, std::int64_t E) {
    const auto& kernel = get(from + "/kernel", 3);
    const auto& bias = get(from + "/bias", 2);
    const auto in = kernel.shape[1], out = kernel.shape[2];
    if (kernel.shape[0] != E || bias.shape[0] != E || bias.shape[1] != out)
      fail(fmt::format("{}{}: kernel [{}] and bias [{}] are not of {} experts", prefix_, from,
                       fmt::join(kernel.shape, ", "), fmt::join(bias.shape, ", "), E));
    for (std::int64_t e = 0; e < E; ++e) {
      const auto name = fmt::format("{}{}.{}.dense", to, e, role);
      const std::span all(kernel.values);
      const auto own =
          all.subspan(static_cast<std::size_t>(e * in * out), static_cast<std::size_t>(in * out));
      const auto own_bias =
          std::span(bias.values).subspan(static_cast<std::size_t>(e * out), static_cast<std::size_t>(out));
      store(name + ".weight", {out, in}, transposed(own, in, out));
      store(name + ".bias", {out}, {own_bias.begin(), own_bias.end()});
    }
  }

  void add_block(std::int64_t block) {
    const std::string from = block_name(block), to = fmt::format("encoder.layer.{}.", block);
    norm(from + "LayerNorm_0", to + "attention_norm");
    norm(from + "LayerNorm_1", to + "feed_forward_norm");
    for (const char* part : {"query", "key", "value"})
      linear(from + "SelfAttention/" + part, to + "attention." + part);
    linear(from + "SelfAttention/out", to + "attention.output");
    const VmoeLayer* layer = result_.config.moe_in(block);
    if (layer == nullptr) {
      linear(from + "Mlp/Dense_0", to + "intermediate.dense");
      linear(from + "Mlp/Dense_1", to + "output.dense");
      return;
    }
    const auto& router = get(from + "Moe/Router/dense/kernel", 2);
    store(to + "moe.router.weight", {layer->router_rows, D},
          transposed(router.values, D, layer->router_rows));
    experts(from + "Moe/Mlp/Dense_0", to + "moe.experts.", "intermediate", layer->experts);
    experts(from + "Moe/Mlp/Dense_1", to + "moe.experts.", "output", layer->experts);
  }

  const Arrays& arrays_;
  const std::string prefix_;
  const VmoeImportOptions& options_;
  const std::string source_;
  std::int64_t D = 0;
  std::set<std::string> used_;
  ImportedVmoe result_;
};

}  // namespace

ImportedVmoe import_vmoe(const Arrays& arrays, std::string_view prefix, const VmoeImportOptions& options,
                         std::string_view source) {
  return Importer(arrays, prefix, options, source).run();
}

void write_imported(const ImportedVmoe& imported, const std::filesystem::path& folder, Dtype dtype) {
  std::vector<TensorSource> sources;
  for (const VmoeTensor& tensor : vmoe_tensors(imported.config)) {
    const auto found = imported.tensors.find(tensor.name);
    if (found == imported.tensors.end() || found->second.shape != tensor.shape)
      throw UserError(fmt::format("{}: the checkpoint's shapes make no model of one width", tensor.name));
    sources.push_back(
        {tensor.name, dtype, tensor.shape, [&values = found->second.values, dtype](std::span<std::byte> to) {
           from_float32(dtype, values, to);
         }});
  }
  write_vmoe_folder(folder, imported.config, std::move(sources), dtype);
}

}  // namespace espalier
