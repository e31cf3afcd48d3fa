#include <fmt/format.h>

#include <algorithm>

#include "arch/described_model.h"
#include "arch/family.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "infer/bound_weights.h"
#include "train/checkpoint.h"
#include "train/parameters.h"
#include "train/trainable.h"

namespace espalier::train {
namespace {

using arch::Group;

/// What is trained is saved as plain numbers, so it must have been that.
void expect_plain(const Checkpoint& checkpoint, const std::string& name) {
  const auto main = formats::find_main(checkpoint.weights(), name);
  if (main && main->shape) {
    const formats::Weight weight = checkpoint.weight(name);
    if (std::none_of(weight.parts.begin() + 1, weight.parts.end(),
                     [](const auto& part) { return part.there; }))
      return;
  }
  throw UserError(
      fmt::format("tensor {}: several weights share a number, and only a format's own kernels read it",
                  main ? main->tensor.name : name),
      "train a checkpoint in BF16 or F32");
}

/// A role's numbers, in the order of its rows.
void read(const Checkpoint& checkpoint, const arch::BoundTensors& bound, const arch::TensorKey& key,
          torch::Tensor to) {
  expect_plain(checkpoint, bound.at(key).weight);
  Buffer<float> buffer;
  const infer::StoredWeight weight = infer::bound_weight(checkpoint, bound, key);
  std::copy_n(weight.read(buffer), to.numel(), to.data_ptr<float>());
}

/// What is saved of a model whose layers differ in what they can do.
arch::ModelSpec spec_to_save(const Transformer& model) {
  auto spec = model.spec;
  for (const auto& block : model.spec.blocks)
    for (auto& other : spec.blocks)
      if (block.moe() && other.moe() && block.moe()->router.chooser == arch::WhoChooses::kTokens)
        other.moe()->router.rule.experts_per_token =
            std::min(other.moe()->router.rule.experts_per_token, block.moe()->router.rows / spec.members);
  return spec;
}

}  // namespace

Transformer load(const Checkpoint& checkpoint) {
  Transformer model;
  model.fields = checkpoint.config();
  model.spec = arch::read_spec(checkpoint);
  arch::expect_runs(model.spec, checkpoint.folder().string());
  expect_trains(model.spec, checkpoint.folder().string());
  const auto bound = arch::bind(model.spec, checkpoint);
  auto& heads = model.spec.heads;
  heads.pooler = heads.pooler && bound.has(Group::kPooler);
  heads.masked_words = heads.masked_words && bound.has(Group::kMaskedWords);
  if (std::holds_alternative<arch::TextInput>(model.spec.input))
    heads.classifier = heads.classifier && bound.has(Group::kClassifier);
  expect_room(model, sizeof(float), checkpoint.folder().string());
  for (auto& parameter : parameters(model)) {
    *parameter.value = torch::empty(parameter.shape());
    for_each_part(parameter, *parameter.value, [&](const arch::TensorKey& key, torch::Tensor part) {
      read(checkpoint, bound, key, part);
    });
  }
  return model;
}

void save(const Transformer& model, const std::filesystem::path& folder, Dtype dtype,
          const std::function<bool(const Parameter&)>& rounded) {
  std::vector<TensorSource> sources;
  for (const auto& parameter : parameters(const_cast<Transformer&>(model))) {
    // A lone expert's router is gone: the softmax over one is 1 whatever its row.
    const auto values = parameter.value->defined()
                            ? parameter.value->detach().to(torch::kCPU, torch::kFloat32).contiguous()
                            : torch::zeros(parameter.shape());
    const bool rounds = parameter.trained && (!rounded || rounded(parameter));
    for_each_part(parameter, values, [&](const arch::TensorKey& key, const torch::Tensor& part) {
      const auto stored = rounds ? dtype : Dtype::kF32;
      sources.push_back(
          {stored_name(model.spec, key), stored, part.sizes().vec(), [part, stored](std::span<std::byte> to) {
             from_float32(stored, {part.data_ptr<float>(), static_cast<std::size_t>(part.numel())}, to);
           }});
    });
  }
  std::filesystem::create_directories(folder);
  write_safetensors(folder / "model.safetensors", std::move(sources), {{"format", "pt"}});
  auto config = arch::write_spec(spec_to_save(model), model.fields);
  config["torch_dtype"] = torch_name(dtype);
  write_file(folder / "config.json", dump_json(config));
}

}  // namespace espalier::train
