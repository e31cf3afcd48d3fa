#include <fmt/format.h>

#include "base/files.h"
#include "model/bert_checkpoint.h"

namespace espalier {
namespace {

class Collector {
 public:
  explicit Collector(Dtype dtype) : dtype_(dtype) {}

  void add(std::string name, const torch::Tensor& tensor) {
    const auto values = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    sources_.push_back(
        {std::move(name), dtype_, values.sizes().vec(), [values, dtype = dtype_](std::span<std::byte> to) {
           from_float32(dtype, {values.data_ptr<float>(), static_cast<std::size_t>(values.numel())}, to);
         }});
  }

  std::vector<TensorSource> take() { return std::move(sources_); }

 private:
  Dtype dtype_;
  std::vector<TensorSource> sources_;
};

/// `...attention.self.qkv.weight` becomes the checkpoint's query, key and value.
void add_qkv(Collector& collector, const std::string& name, const torch::Tensor& qkv) {
  const auto dot = name.rfind(".qkv.");
  const auto D = qkv.size(0) / 3;
  const char* parts[] = {".query.", ".key.", ".value."};
  for (std::int64_t i = 0; i < 3; ++i)
    collector.add(name.substr(0, dot) + parts[i] + name.substr(dot + 5), qkv.narrow(0, i * D, D));
}

/// `...moe.experts.up` [E, F, D] becomes one tensor per expert.
void add_experts(Collector& collector, const std::string& name, const torch::Tensor& stacked) {
  const auto dot = name.rfind('.');
  const auto projection = name.substr(dot + 1);
  const auto stored = fmt::format("{}.dense.{}", projection.starts_with("up") ? "intermediate" : "output",
                                  projection.ends_with("_bias") ? "bias" : "weight");
  for (std::int64_t e = 0; e < stacked.size(0); ++e)
    collector.add(fmt::format("{}.{}.{}", name.substr(0, dot), e, stored), stacked[e]);
}

}  // namespace

void save_bert(const BertModel& model, const std::filesystem::path& folder, Dtype dtype) {
  Collector collector(dtype);
  visit_parameters(const_cast<BertModel&>(model), [&](const std::string& name, torch::Tensor& parameter) {
    if (name.find(".qkv.") != std::string::npos)
      add_qkv(collector, name, parameter);
    else if (name.find(".moe.experts.") != std::string::npos)
      add_experts(collector, name, parameter);
    else
      collector.add(name, parameter);
  });
  std::filesystem::create_directories(folder);
  write_safetensors(folder / "model.safetensors", collector.take(), {{"format", "pt"}});
  auto config = to_json(model.config);
  config["torch_dtype"] = torch_name(dtype);
  write_file(folder / "config.json", config.dump(2) + "\n");
}

}  // namespace espalier
