#include "formats/quantization.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace espalier::formats {
namespace {

constexpr std::uint64_t kLargestBlock = 65536;

bool is_size(const nlohmann::json& value) {
  return value.is_number_unsigned() && value != 0 && value <= kLargestBlock;
}

/// GPTQ and AWQ say "bits"; compressed-tensors "num_bits" in each of its groups.
std::int64_t bits_of(const nlohmann::json& quantization, std::int64_t otherwise) {
  const nlohmann::json settings = quantization.flatten();
  for (const auto& item : settings.items()) {
    const std::string_view key = item.key();
    if (!key.ends_with("/bits") && !key.ends_with("weights/num_bits")) continue;
    if (item.value() == 2 || item.value() == 4 || item.value() == 8) return item.value().get<std::int64_t>();
  }
  return otherwise;
}

}  // namespace

Quantization read_quantization(const nlohmann::json& config, std::string_view source) {
  Quantization result;
  const auto found = config.find("quantization_config");
  if (found == config.end() || !found->is_object()) return result;
  const auto method = found->find("quant_method");
  if (method != found->end() && method->is_string()) result.method = method->get<std::string>();
  result.bits = bits_of(*found, result.bits);
  const auto block = found->find("weight_block_size");
  if (block == found->end() || block->is_null()) return result;
  if (!block->is_array() || block->size() != 2 || !is_size((*block)[0]) || !is_size((*block)[1])) {
    throw UserError(
        fmt::format("{}: quantization_config.weight_block_size: found {}, expected two numbers from 1 to {}",
                    source, block->dump(), kLargestBlock),
        "rows and columns that share a scale, as in [128, 128]");
  }
  result.block_rows = (*block)[0].get<std::int64_t>();
  result.block_columns = (*block)[1].get<std::int64_t>();
  return result;
}

}  // namespace espalier::formats
