#include <fmt/format.h>

#include "arch/vmoe_tensors.h"
#include "base/error.h"
#include "base/files.h"
#include "checkpoint/checkpoint.h"
#include "model/vmoe.h"

namespace espalier {

namespace {

/// One tensor of a file, and the part of a parameter that it holds.
using Stored = std::function<void(const std::string& name, torch::Tensor part)>;

/// Query, key and value, and experts, lie in tensors of their own.
void for_each_stored(const std::string& name, const torch::Tensor& parameter, const Stored& stored) {
  if (const auto at = name.find(".qkv."); at != std::string::npos) {
    const auto D = parameter.size(0) / 3;
    const char* parts[] = {".query.", ".key.", ".value."};
    for (std::int64_t i = 0; i < 3; ++i)
      stored(name.substr(0, at) + parts[i] + name.substr(at + 5), parameter.narrow(0, i * D, D));
    return;
  }
  const auto at = name.find(".experts.");
  if (at == std::string::npos) return stored(name, parameter);
  const auto projection = name.substr(at + 9);
  const auto role = fmt::format("{}.dense.{}", projection.starts_with("up") ? "intermediate" : "output",
                                projection.ends_with("_bias") ? "bias" : "weight");
  for (std::int64_t e = 0; e < parameter.size(0); ++e)
    stored(fmt::format("{}.experts.{}.{}", name.substr(0, at), e, role), parameter[e]);
}

}  // namespace

VmoeModel load_vmoe(const Checkpoint& checkpoint) {
  check_vmoe(checkpoint);
  VmoeModel model = shaped_vmoe(vmoe_config(checkpoint));
  visit_parameters(model, [&](const std::string& parameter_name, torch::Tensor& parameter) {
    for_each_stored(parameter_name, parameter, [&](const std::string& name, torch::Tensor part) {
      const auto view = checkpoint.tensor(name);
      to_float32(view.dtype, view.bytes, {part.data_ptr<float>(), static_cast<std::size_t>(part.numel())});
    });
  });
  return model;
}

void save_vmoe(const VmoeModel& model, const std::filesystem::path& folder, Dtype dtype) {
  std::vector<TensorSource> sources;
  visit_parameters(
      const_cast<VmoeModel&>(model), [&](const std::string& parameter_name, torch::Tensor& parameter) {
        const auto values = parameter.detach().to(torch::kCPU, torch::kFloat32).contiguous();
        for_each_stored(parameter_name, values, [&](const std::string& name, const torch::Tensor& part) {
          sources.push_back(
              {name, dtype, part.sizes().vec(), [part, dtype](std::span<std::byte> to) {
                 from_float32(dtype, {part.data_ptr<float>(), static_cast<std::size_t>(part.numel())}, to);
               }});
        });
      });
  write_vmoe_folder(folder, model.config, std::move(sources), dtype);
}

}  // namespace espalier
