#include <algorithm>
#include <cmath>

#include "formats/scales.h"
#include "formats/vector/rows.h"

// FP4 E2M1 numbers, two in a byte, the low half first, with a scale for each 32 (MXFP4: OCP Microscaling
// Formats 1.0) or 16 (NVFP4) along the inputs; the last group of a row is cut off where they end.

namespace espalier::formats {
namespace {

/// Twice the numbers, which are whole then.
constexpr std::int8_t kTwice[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
constexpr std::size_t kScale = 1, kGlobal = 2;  // parts
constexpr std::int64_t kMxGroup = 32, kNvGroup = 16;

Shape doubled(std::span<const std::int64_t> shape) {
  Shape result(shape.begin(), shape.end());
  if (!result.empty()) result.back() *= 2;
  return result;
}

Shape packed_shape(const StoredTensors& stored) {
  return doubled(stored.main.shape);
}

/// [E, rows, blocks, 16] of bytes stand for [E, 32 blocks, rows]: the library's own order of the axes.
Shape blocks_shape(const StoredTensors& stored) {
  const auto& shape = stored.main.shape;
  if (shape.size() < 3) return doubled(shape);
  Shape result(shape.begin(), shape.end() - 3);
  result.push_back(shape[shape.size() - 2] * shape.back() * 2);
  result.push_back(shape[shape.size() - 3]);
  return result;
}

std::int64_t groups_of(const Weight& weight) {
  return ceil_div(weight.columns, weight.block_columns);
}

/// Bytes of numbers and a scale for each group of a row.
ByteSpan bytes_of_rows(const Weight& weight, std::size_t part, std::int64_t first, std::int64_t count) {
  if (part == 0) return rows_of(weight.columns / 2, first, count);
  if (part == kScale) return rows_of(groups_of(weight), first, count);
  return {};
}

ByteSpan bytes_of_rows_global(const Weight& weight, std::size_t part, std::int64_t first,
                              std::int64_t count) {
  return part == kGlobal && count > 0 ? all_of(weight, part) : bytes_of_rows(weight, part, first, count);
}

void check(const Weight& weight, std::int64_t first, std::int64_t count) {
  expect_scales_of_rows(weight, kScale, first, count);
}

void check_global(const Weight& weight, std::int64_t first, std::int64_t count) {
  expect_scales(weight.parts[kGlobal], 0, 1);
  check(weight, first, count);
}

void decode(const Weight& weight, std::int64_t first, std::int64_t count, float times, float over,
            float* to) {
  const std::int64_t groups = groups_of(weight);
  std::vector<float> scales(static_cast<std::size_t>(groups)), zeros(scales.size(), 0.0F);
  const std::byte* codes = weight.main().bytes.data();
  for (std::int64_t row = first; row < first + count; ++row) {
    read_scales(weight.parts[kScale], row * groups, groups, scales.data());
    for (float& scale : scales) scale *= 0.5F;
    row_decoders().nibbles({.codes = codes + row * (weight.columns / 2),
                            .table = kTwice,
                            .scales = scales.data(),
                            .zeros = zeros.data(),
                            .columns = weight.columns,
                            .group = weight.block_columns,
                            .times = times,
                            .over = over,
                            .to = to + (row - first) * weight.columns});
  }
}

float global_of(const Weight& weight) {
  float scale;
  read_scales(weight.parts[kGlobal], 0, 1, &scale);
  return scale;
}

void decode_mx(const Weight& weight, std::int64_t first, std::int64_t count, float* to) {
  decode(weight, first, count, 1, 1, to);
}
void decode_over(const Weight& weight, std::int64_t first, std::int64_t count, float* to) {
  decode(weight, first, count, 1, global_of(weight), to);
}
void decode_times(const Weight& weight, std::int64_t first, std::int64_t count, float* to) {
  decode(weight, first, count, global_of(weight), 1, to);
}

bool can_encode(const Weight& like) {
  return like.block_columns == kMxGroup;
}

/// The nearest number's code, ties to the even one; beyond 6: that.
unsigned to_e2m1(float value) {
  const float twice = std::fabs(value) * 2;
  unsigned code = 0;
  while (code < 7 && static_cast<float>(kTwice[code + 1]) <= twice) ++code;
  if (code < 7) {
    const float down = twice - static_cast<float>(kTwice[code]),
                up = static_cast<float>(kTwice[code + 1]) - twice;
    if (up < down || (up == down && code % 2 == 1)) ++code;
  }
  return code | (std::signbit(value) ? 8U : 0U);
}

/// The scale of a group as the specification has it (6.3): the power of two of its largest number, less that
/// of the largest E2M1 number.
std::byte mx_scale(std::span<const float> group) {
  float largest = 0;
  for (const float value : group) largest = std::max(largest, std::fabs(value));
  if (!(largest > 0) || !std::isfinite(largest)) return std::byte{127};
  return static_cast<std::byte>(std::clamp(std::ilogb(largest) - 2 + 127, 0, 254));
}

StoredRows encode_mx(const Weight& like, std::span<const float> rows) {
  StoredRows result;
  result[0].resize(rows.size() / 2);
  const auto columns = static_cast<std::size_t>(like.columns), step = static_cast<std::size_t>(kMxGroup);
  for (std::size_t row = 0; row < rows.size(); row += columns) {
    for (std::size_t begin = row; begin < row + columns; begin += step) {
      const auto group = rows.subspan(begin, std::min(step, row + columns - begin));
      result[kScale].push_back(mx_scale(group));
      const int power = 127 - static_cast<int>(result[kScale].back());
      for (std::size_t i = 0; i < group.size(); ++i)
        result[0][(begin + i) / 2] |=
            static_cast<std::byte>(to_e2m1(std::ldexp(group[i], power)) << ((begin + i) % 2 * 4));
    }
  }
  return result;
}

/// [.., rows, columns / 2] bytes with scales [.., rows, groups].
void bind_packed(const StoredTensors& stored, Weight& weight, std::int64_t group,
                 std::initializer_list<Dtype> scale_dtypes) {
  const Tensor& scales = companion(stored, kScale, "scales", scale_dtypes);
  set_shape(weight, doubled(stored.main.shape));
  weight.block_columns = group;
  Shape expected(stored.main.shape.begin(), stored.main.shape.end());
  if (!expected.empty()) expected.back() = groups_of(weight);
  expect_shape(stored, scales, expected, weight.rows, weight.columns);
}

void bind_mx(const StoredTensors& stored, Weight& weight) {
  bind_packed(stored, weight, kMxGroup, {Dtype::kU8, Dtype::kF8E8M0});
}

void bind_nv(const StoredTensors& stored, Weight& weight) {
  bind_packed(stored, weight, kNvGroup, {Dtype::kF8E4M3});
  const Tensor& global = companion(stored, kGlobal, "scale of the whole tensor", {Dtype::kF32});
  if (global.elements() != 1) expect_shape(stored, global, {1}, weight.rows, weight.columns);
  weight.block_rows = weight.matrix_rows = weight.rows;  // they share the global scale
}

void bind_blocks(const StoredTensors& stored, Weight& weight) {
  expect_axes(stored, 4);
  const auto& shape = stored.main.shape;
  set_shape(weight, Shape{shape[0], shape[1], shape[2] * shape[3] * 2});
  weight.block_columns = kMxGroup;
  const Tensor& scales = companion(stored, kScale, "scales", {Dtype::kU8});
  if (shape[3] != kMxGroup / 2)
    expect_shape(stored, stored.main, {shape[0], shape[1], shape[2], kMxGroup / 2}, weight.rows,
                 weight.columns);
  expect_shape(stored, scales, {shape[0], shape[1], shape[2]}, weight.rows, weight.columns);
}

bool is_bytes(const StoredTensors& stored) {
  return stored.main.dtype == Dtype::kU8;
}
/// Each layout of compressed-tensors has its own type of scales.
bool has_global(const StoredTensors& stored) {
  return is_bytes(stored) &&
         (stored.part(kGlobal) || (stored.part(kScale) && stored.part(kScale)->dtype == Dtype::kF8E4M3));
}
bool is_modelopt(const StoredTensors& stored) {
  return is_bytes(stored) && stored.main.name.ends_with(".weight") &&
         (stored.quantization.method == "modelopt" || has_global(stored));
}
bool is_deepseek(const StoredTensors& stored) {
  return stored.main.dtype == Dtype::kI8 && stored.main.name.ends_with(".weight") &&
         stored.quantization.method == "fp8";
}

}  // namespace

std::vector<WeightFormat> fp4_formats() {
  const WeightFormat mx{.name = "mxfp4",  // compressed-tensors: mxfp4-pack-quantized
                        .main = "{weight}_packed",
                        .companions = {"{weight}_scale", "{module}.input_scale"},
                        .describes = {true, true},
                        .recognises = is_bytes,
                        .shape = packed_shape,
                        .bind = bind_mx,
                        .check = check,
                        .decode_rows = decode_mx,
                        .bytes_of_rows = bytes_of_rows,
                        .can_encode = can_encode,
                        .encode_rows = encode_mx};
  WeightFormat deepseek = mx;  // DeepSeek-V4: half bytes called I8
  deepseek.name = "mxfp4_i8";
  deepseek.main = "{weight}";
  deepseek.companions = {"{module}.scale"};
  deepseek.recognises = is_deepseek;
  WeightFormat blocks = mx;  // gpt-oss: [E, rows, columns / 32, 16]
  blocks.name = "mxfp4_blocks";
  blocks.main = "{weight}_blocks";
  blocks.companions = {"{weight}_scales"};
  blocks.shape = blocks_shape;
  blocks.turned = true;
  blocks.bind = bind_blocks;
  WeightFormat nv = mx;  // compressed-tensors: nvfp4-pack-quantized; number * scale / global scale
  nv.name = "nvfp4";
  nv.companions = {"{weight}_scale", "{weight}_global_scale", "{module}.input_global_scale"};
  nv.describes = {true, true, true};
  nv.recognises = has_global;
  nv.bind = bind_nv;
  nv.check = check_global;
  nv.decode_rows = decode_over;
  nv.bytes_of_rows = bytes_of_rows_global;
  nv.can_encode =
      nullptr;  // the scale of the tensor belongs to that of its inputs, which a sum does not have
  nv.encode_rows = nullptr;
  WeightFormat modelopt = nv;  // NVIDIA Model Optimizer; number * scale * second scale
  modelopt.name = "nvfp4_modelopt";
  modelopt.main = "{weight}";
  modelopt.companions = {"{weight}_scale", "{weight}_scale_2", "{module}.input_scale"};
  modelopt.recognises = is_modelopt;
  modelopt.decode_rows = decode_times;
  return {blocks, nv, mx, modelopt, deepseek};
}

}  // namespace espalier::formats
