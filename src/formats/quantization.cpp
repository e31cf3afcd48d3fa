#include "formats/quantization.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"

namespace espalier::formats {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLargestBlock = 65536;

/// Whose weights are read, if their tensors are as one of the formats has them.
constexpr std::array<std::string_view, 6> kKnown{"awq",  "compressed-tensors", "fp8",
                                                 "gptq", "modelopt",           "mxfp4"};

bool is_size(const json& value) {
  return value.is_number_unsigned() && value != 0 && value <= kLargestBlock;
}

/// The first setting, at any depth, whose path ends so and whose value will do.
template <typename WillDo>
std::optional<std::int64_t> setting(const json& flat, std::initializer_list<std::string_view> endings,
                                    WillDo will_do) {
  for (const auto& item : flat.items()) {
    const std::string_view key = item.key();
    const bool named = std::ranges::any_of(endings, [&](std::string_view end) { return key.ends_with(end); });
    if (named && will_do(item.value())) return item.value().template get<std::int64_t>();
  }
  return std::nullopt;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// GPTQ and AWQ say "bits" and "group_size"; compressed-tensors has the same in each of its groups.
void read_packing(const json& quantization, Quantization& result) {
  const json flat = quantization.flatten();
  const auto is_width = [](const json& value) { return value == 2 || value == 4 || value == 8; };
  result.bits = setting(flat, {"/bits", "weights/num_bits"}, is_width).value_or(result.bits);
  if (result.method == "gptq" || result.method == "awq") {
    const auto bits = quantization.find("bits");  // three bits, say, are refused where they are read
    if (bits != quantization.end() && bits->is_number_integer() && *bits > 0 && *bits <= 32)
      result.bits = bits->get<std::int64_t>();
  }
  result.group_size = setting(flat, {"/group_size"}, is_size).value_or(0);
  result.block_rows = setting(flat, {"weights/block_structure/0"}, is_size).value_or(result.block_rows);
  result.block_columns = setting(flat, {"weights/block_structure/1"}, is_size).value_or(result.block_columns);
  result.variant = text_of(quantization, result.method == "awq" ? "version" : "checkpoint_format");
}

/// Of the model, or of the language model in it.
const json* find_settings(const json& config) {
  for (const char* inner : {"", "text_config", "llm_config"}) {
    const auto holder = *inner == '\0' ? config.end() : config.find(inner);
    const json& object = holder == config.end() ? config : *holder;
    if (!object.is_object()) continue;
    const auto found = object.find("quantization_config");
    if (found != object.end() && found->is_object()) return &*found;
  }
  return nullptr;
}

}  // namespace

void expect_known(const Quantization& quantization, std::string_view source) {
  if (quantization.method.empty() || std::ranges::find(kKnown, quantization.method) != kKnown.end()) return;
  throw UserError(
      fmt::format("{}: quantization_config.quant_method: found \"{}\", whose weights are not read; known: {}",
                  source, quantization.method, fmt::join(kKnown, ", ")),
      "take a checkpoint in one of these, or in BF16; a plan made with it fits both");
}

Quantization read_quantization(const json& config, std::string_view source) {
  Quantization result;
  const json* found = find_settings(config);
  if (found == nullptr) return result;
  result.method = text_of(*found, "quant_method");
  read_packing(*found, result);
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
