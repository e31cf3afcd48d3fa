#include "surgery/export_mistral.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "arch/described_model.h"
#include "arch/family.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "surgery/carried_files.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kModelType = "mistral";

/// What only a router needs to know.
constexpr std::array kRouterFields = {"num_local_experts", "num_experts_per_tok", "router_aux_loss_coef",
                                      "router_jitter_noise", "output_router_logits"};

struct Renamed {
  std::string_view from, to;
};
constexpr std::array<Renamed, 3> kProjections = {
    {{"block_sparse_moe.experts.0.w1.weight", "mlp.gate_proj.weight"},
     {"block_sparse_moe.experts.0.w3.weight", "mlp.up_proj.weight"},
     {"block_sparse_moe.experts.0.w2.weight", "mlp.down_proj.weight"}}};

bool is_router(std::string_view name) {
  return name.ends_with(".block_sparse_moe.gate.weight");
}

std::string dense_name(std::string_view name) {
  for (const auto& projection : kProjections)
    if (name.ends_with(projection.from))
      return std::string(name.substr(0, name.size() - projection.from.size())) + std::string(projection.to);
  return std::string(name);
}

TensorSource written(const TensorView& tensor, std::optional<Dtype> dtype) {
  const std::vector<std::int64_t> shape(tensor.shape.begin(), tensor.shape.end());
  const auto bytes = tensor.bytes;
  if (!dtype || *dtype == tensor.dtype)
    return {dense_name(tensor.name), tensor.dtype, shape,
            [bytes](std::span<std::byte> to) { std::memcpy(to.data(), bytes.data(), to.size()); }};
  return {dense_name(tensor.name), *dtype, shape,
          [bytes, from = tensor.dtype, to_dtype = *dtype,
           count = static_cast<std::size_t>(tensor.elements())](std::span<std::byte> to) {
            std::vector<float> values(count);
            to_float32(from, bytes, values);
            from_float32(to_dtype, values, to);
          }};
}

nlohmann::json dense_config(nlohmann::json config, Dtype dtype) {
  config["model_type"] = kModelType;
  config["architectures"] = {"MistralForCausalLM"};
  for (const char* field : kRouterFields) config.erase(field);
  config["torch_dtype"] = torch_name(dtype);
  return config;
}

bool is_plain_float(Dtype dtype) {
  return dtype == Dtype::kF32 || dtype == Dtype::kBF16 || dtype == Dtype::kF16;
}

void check_exports_as_mistral(const Checkpoint& model) {
  const auto source = model.folder().string();
  const arch::ModelSpec spec = arch::read_spec(model);
  if (arch::family_named(spec.family).can.one_expert_exports_as != kModelType)
    throw UserError(
        fmt::format("{}: the family is \"{}\", and only a mixtral becomes a Mistral", source, spec.family),
        "other families' layers hold more than their experts");
  std::string layers;
  for (const std::int64_t layer : arch::moe_layers(spec))
    if (const auto experts = spec.block(layer).experts(); experts > 1)
      layers += fmt::format("{}layer {} has {} experts", layers.empty() ? "" : ", ", layer, experts);
  if (!layers.empty())
    throw UserError(fmt::format("{}: {}; a Mistral has no routers", source, layers),
                    "leave one expert a layer: finetune with --prune eager, or `espalier plan --keep 1 "
                    "--experts-per-token 1` and apply");
  for (const auto name : model.names())
    if (const auto view = model.tensor(name); !is_plain_float(view.dtype))
      throw UserError(fmt::format("{}: tensor '{}' is {}, expected F32, BF16 or F16", source, name,
                                  espalier::name(view.dtype)),
                      "quantised weights are not exported");
}

}  // namespace

MistralExport describe_mistral(const Checkpoint& model, std::optional<Dtype> dtype) {
  check_exports_as_mistral(model);
  MistralExport made;
  std::optional<Dtype> first;
  for (const auto name : model.names()) {
    if (is_router(name)) continue;
    const auto tensor = model.tensor(name);
    made.parameters += static_cast<std::uint64_t>(tensor.elements());
    if (!first) first = dtype.value_or(tensor.dtype);
  }
  made.dtype = first.value_or(Dtype::kF32);
  return made;
}

MistralExport export_mistral(const Checkpoint& model, const fs::path& folder, std::optional<Dtype> dtype) {
  const MistralExport result = describe_mistral(model, dtype);
  std::vector<TensorSource> tensors;
  for (const auto name : model.names())
    if (!is_router(name)) tensors.push_back(written(model.tensor(name), dtype));
  write_safetensors(folder / "model.safetensors", std::move(tensors), {{"format", "pt"}});
  write_file(folder / "config.json", dump_json(dense_config(model.config(), result.dtype)));
  for (const auto& file : carried_files(model.folder()).files) {
    fs::create_directories((folder / file).parent_path());
    write_file(folder / file, read_file(model.folder() / file));
  }
  return result;
}

}  // namespace espalier
