#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "arch/topology.h"

namespace espalier {
namespace {

constexpr std::int64_t kInt4 = 4;

/// Tensors that scale or describe others.
constexpr std::array<std::string_view, 12> kCompanions{
    "_scales", ".scales",     ".qzeros",  ".g_idx", "_scale",        "_scale_inv",
    "_shape",  "_zero_point", "_scale_2", "_g_idx", "_global_scale", ".absmax"};

bool is_companion(std::string_view name) {
  return std::any_of(kCompanions.begin(), kCompanions.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace

std::int64_t parameters_of(const TensorView& tensor, std::int64_t bits) {
  const std::string_view name = tensor.name;
  if (is_companion(name)) return 0;
  if (name.ends_with(".weight_packed") || name.ends_with(".qweight"))
    return tensor.elements() * (static_cast<std::int64_t>(size_bytes(tensor.dtype)) * 8 / bits);
  // MXFP4 blocks (gpt_oss) and FP4 in bytes: two weights in each.
  if (name.ends_with("_blocks") || (tensor.dtype == Dtype::kU8 && name.ends_with(".weight")))
    return tensor.elements() * 2;
  return tensor.elements();
}

std::int64_t packed_bits(const nlohmann::json& config) {
  const auto quantization = config.find("quantization_config");
  if (quantization == config.end()) return kInt4;
  // GPTQ and AWQ say "bits"; compressed-tensors "num_bits" in each of its groups.
  const nlohmann::json settings = quantization->flatten();
  for (const auto& item : settings.items()) {
    const std::string_view key = item.key();
    if (!key.ends_with("/bits") && !key.ends_with("weights/num_bits")) continue;
    if (item.value().is_number_unsigned() && (item.value() == 2 || item.value() == 4 || item.value() == 8))
      return item.value().get<std::int64_t>();
  }
  return kInt4;
}

}  // namespace espalier
