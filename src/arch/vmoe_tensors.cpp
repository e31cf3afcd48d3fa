#include "arch/vmoe_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

class Lister {
 public:
  explicit Lister(const VmoeConfig& config)
      : config_(config), D(config.hidden_size), F(config.intermediate_size) {}

  std::vector<VmoeTensor> list() {
    linear("embeddings.patch", D, config_.patch_values());
    add("embeddings.class_token", {D});
    add("embeddings.position", {config_.positions(), D});
    for (std::int64_t block = 0; block < config_.num_hidden_layers; ++block) add_block(block);
    norm("encoder.norm");
    linear("classifier", static_cast<std::int64_t>(config_.labels.size()), D);
    return std::move(tensors_);
  }

 private:
  void add(std::string name, std::vector<std::int64_t> shape) {
    tensors_.push_back({std::move(name), std::move(shape)});
  }
  void linear(const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }
  void norm(const std::string& name) {
    add(name + ".weight", {D});
    add(name + ".bias", {D});
  }
  void feed_forward(const std::string& prefix) {
    linear(prefix + "intermediate.dense", F, D);
    linear(prefix + "output.dense", D, F);
  }

  void add_block(std::int64_t block) {
    const std::string prefix = fmt::format("encoder.layer.{}.", block);
    norm(prefix + "attention_norm");
    for (const char* part : {"query", "key", "value", "output"}) linear(prefix + "attention." + part, D, D);
    norm(prefix + "feed_forward_norm");
    const VmoeLayer* layer = config_.moe_in(block);
    if (layer == nullptr) return feed_forward(prefix);
    const std::string router = prefix + "moe.router.weight";
    add(router, {layer->router_rows, D});
    if (layer->novices) add(vmoe_novices(router), {layer->router_rows - layer->experts, D});
    for (std::int64_t e = 0; e < layer->experts; ++e)
      feed_forward(fmt::format("{}moe.experts.{}.", prefix, e));
  }

  const VmoeConfig& config_;
  const std::int64_t D, F;
  std::vector<VmoeTensor> tensors_;
};

bool is_plain_float(Dtype dtype) {
  return dtype == Dtype::kF32 || dtype == Dtype::kBF16 || dtype == Dtype::kF16 || dtype == Dtype::kF64;
}

/// Empty where it fits.
std::string problem_of(const Checkpoint& checkpoint, const VmoeTensor& expected) {
  if (!checkpoint.contains(expected.name)) return fmt::format("tensor {} is missing", expected.name);
  const TensorView found = checkpoint.tensor(expected.name);
  if (!std::equal(found.shape.begin(), found.shape.end(), expected.shape.begin(), expected.shape.end()))
    return fmt::format("tensor {} is [{}], config.json asks for [{}]", expected.name,
                       fmt::join(found.shape, ", "), fmt::join(expected.shape, ", "));
  if (!is_plain_float(found.dtype))
    return fmt::format("tensor {} is {}, expected floating-point numbers", expected.name, name(found.dtype));
  return {};
}

}  // namespace

std::vector<VmoeTensor> vmoe_tensors(const VmoeConfig& config) {
  return Lister(config).list();
}

std::string vmoe_novices(std::string_view router) {
  return fmt::format("{}novices.bias", router.substr(0, router.find("router.")));
}

VmoeConfig vmoe_config(const Checkpoint& checkpoint) {
  return parse_vmoe_config(checkpoint.config(), (checkpoint.folder() / "config.json").string());
}

void check_vmoe(const Checkpoint& checkpoint) {
  std::string first;
  std::size_t problems = 0;
  for (const VmoeTensor& tensor : vmoe_tensors(vmoe_config(checkpoint))) {
    std::string problem = problem_of(checkpoint, tensor);
    if (!problem.empty() && problems++ == 0) first = std::move(problem);
  }
  if (problems == 0) return;
  throw UserError(
      fmt::format("{}: {}{}", checkpoint.folder().string(), first,
                  problems == 1 ? "" : fmt::format(" (and {} more that do not fit)", problems - 1)),
      "config.json and the tensors are not of one model");
}

void write_vmoe_folder(const std::filesystem::path& folder, const VmoeConfig& config,
                       std::vector<TensorSource> tensors, Dtype dtype) {
  std::filesystem::create_directories(folder);
  write_safetensors(folder / "model.safetensors", std::move(tensors), {{"format", "pt"}});
  auto json = to_json(config);
  json["torch_dtype"] = torch_name(dtype);
  write_file(folder / "config.json", json.dump(2) + "\n");
}

Topology vmoe_topology(const Checkpoint& checkpoint) {
  const VmoeConfig config = vmoe_config(checkpoint);
  ExpectedExperts expected;
  expected.model_type = kVmoeModelType;
  expected.experts.assign(static_cast<std::size_t>(config.num_hidden_layers), 0);
  expected.router_rows = expected.experts;
  for (const VmoeLayer& layer : config.moe) {
    expected.experts[static_cast<std::size_t>(layer.block)] = layer.experts;
    expected.router_rows[static_cast<std::size_t>(layer.block)] = layer.router_rows;
  }
  // Of experts that choose, one may be left in a layer whatever K is.
  expected.experts_per_token = config.router == RouterKind::kTokenChoice ? config.num_experts_per_tok : 1;
  expected.groups = config.ensemble_size;
  expected.experts_field = "num_experts";
  Topology topology = find_topology(checkpoint, expected);
  for (MoeLayerTensors& layer : topology.layers) layer.router_rows = config.moe_in(layer.layer)->expert_rows;
  topology.sha256 = topology_sha256(topology, checkpoint);
  return topology;
}

}  // namespace espalier
