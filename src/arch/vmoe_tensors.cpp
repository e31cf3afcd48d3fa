#include "arch/vmoe_tensors.h"

#include <fmt/format.h>

#include "arch/described_model.h"
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
    if (layer->novices) add(prefix + "moe.novices.bias", {layer->router_rows - layer->experts, D});
    for (std::int64_t e = 0; e < layer->experts; ++e)
      feed_forward(fmt::format("{}moe.experts.{}.", prefix, e));
  }

  const VmoeConfig& config_;
  const std::int64_t D, F;
  std::vector<VmoeTensor> tensors_;
};

}  // namespace

std::vector<VmoeTensor> vmoe_tensors(const VmoeConfig& config) {
  return Lister(config).list();
}

void check_vmoe(const Checkpoint& checkpoint) {
  arch::describe(checkpoint);
}

VmoeConfig vmoe_config(const Checkpoint& checkpoint) {
  return parse_vmoe_config(checkpoint.config(), (checkpoint.folder() / "config.json").string());
}

void write_vmoe_folder(const std::filesystem::path& folder, const VmoeConfig& config,
                       std::vector<TensorSource> tensors, Dtype dtype) {
  std::filesystem::create_directories(folder);
  write_safetensors(folder / "model.safetensors", std::move(tensors), {{"format", "pt"}});
  auto json = to_json(config);
  json["torch_dtype"] = torch_name(dtype);
  write_file(folder / "config.json", json.dump(2) + "\n");
}

}  // namespace espalier
