// weights_benchmark [filter]: how fast weights of each format become float32, on one thread, in GB/s of what
// is written, beside memcpy of as many bytes at the same moment. ESPALIER_ISA chooses the decoders.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/instruction_set.h"
#include "base/machine.h"
#include "formats/find_weight.h"

namespace {

using namespace espalier;

constexpr std::int64_t kRows = 4096, kColumns = 4096;  // 64 MB of float32, beyond the caches
constexpr double kSeconds = 0.4;                       // for each of two contenders

double now_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_of(const std::function<void()>& run) {
  const double before = now_seconds();
  run();
  return now_seconds() - before;
}

struct Stored {
  std::string name;
  Dtype dtype;
  std::vector<std::int64_t> shape;
  std::byte fill;
  std::vector<std::byte> bytes = {};
};

struct Case {
  std::string name, method;
  std::vector<Stored> tensors;
};

std::vector<Case> cases() {
  constexpr std::byte kOne{0x3f}, kHalf{0x38};
  constexpr std::int64_t R = kRows, C = kColumns;
  const auto I32 = Dtype::kI32, F16 = Dtype::kF16, U8 = Dtype::kU8, BF16 = Dtype::kBF16,
             E4M3 = Dtype::kF8E4M3;
  std::vector<std::byte> shape(8);
  for (int i = 0; i < 8; i += 4) shape[static_cast<std::size_t>(i) + 1] = std::byte{16};  // 4096
  return {
      {"BF16", "", {{"w.weight", BF16, {R, C}, kOne}}},
      {"FP8, blocks of 128 x 128",
       "fp8",
       {{"w.weight", E4M3, {R, C}, kHalf}, {"w.weight_scale_inv", Dtype::kF32, {R / 128, C / 128}, kOne}}},
      {"FP8, rows", "fp8", {{"w.weight", E4M3, {R, C}, kHalf}, {"w.weight_scale", BF16, {R, 1}, kOne}}},
      {"MXFP8",
       "compressed-tensors",
       {{"w.weight", E4M3, {R, C}, kHalf}, {"w.weight_scale", U8, {R, C / 32}, kOne}}},
      {"MXFP4",
       "compressed-tensors",
       {{"w.weight_packed", U8, {R, C / 2}, kHalf}, {"w.weight_scale", U8, {R, C / 32}, kOne}}},
      {"NVFP4 (compressed-tensors)",
       "compressed-tensors",
       {{"w.weight_packed", U8, {R, C / 2}, kHalf},
        {"w.weight_scale", E4M3, {R, C / 16}, kHalf},
        {"w.weight_global_scale", Dtype::kF32, {1}, kOne}}},
      {"NVFP4 (modelopt)",
       "modelopt",
       {{"w.weight", U8, {R, C / 2}, kHalf},
        {"w.weight_scale", E4M3, {R, C / 16}, kHalf},
        {"w.weight_scale_2", Dtype::kF32, {1}, kOne}}},
      {"int4, groups of 32",
       "compressed-tensors",
       {{"w.weight_packed", I32, {R, C / 8}, kHalf},
        {"w.weight_scale", BF16, {R, C / 32}, kOne},
        {"w.weight_shape", I32, {2}, kOne, shape}}},
      {"int4, groups of 128, zeros",
       "compressed-tensors",
       {{"w.weight_packed", I32, {R, C / 8}, kHalf},
        {"w.weight_scale", BF16, {R, C / 128}, kOne},
        {"w.weight_zero_point", I32, {R / 8, C / 128}, kHalf},
        {"w.weight_shape", I32, {2}, kOne, shape}}},
      {"GPTQ int4, groups of 128",
       "gptq",
       {{"w.qweight", I32, {C / 8, R}, kHalf},
        {"w.qzeros", I32, {C / 128, R / 8}, kHalf},
        {"w.scales", F16, {C / 128, R}, kOne}}},
      {"AWQ int4, groups of 128",
       "awq",
       {{"w.qweight", I32, {C, R / 8}, kHalf},
        {"w.qzeros", I32, {C / 128, R / 8}, kHalf},
        {"w.scales", F16, {C / 128, R}, kOne}}},
  };
}

formats::WeightSource source_of(Case& of) {
  for (Stored& tensor : of.tensors) {
    if (!tensor.bytes.empty()) continue;
    std::size_t bytes = size_bytes(tensor.dtype);
    for (const std::int64_t size : tensor.shape) bytes *= static_cast<std::size_t>(size);
    tensor.bytes.assign(bytes, tensor.fill);
  }
  formats::WeightSource source{"benchmark", {}, {}};
  source.quantization.method = of.method;
  source.find = [&of](std::string_view name) -> std::optional<formats::Tensor> {
    for (const Stored& tensor : of.tensors)
      if (tensor.name == name) return formats::Tensor{tensor.name, tensor.dtype, tensor.shape, tensor.bytes};
    return std::nullopt;
  };
  return source;
}

/// Medians of runs in turns.
void measure(Case of) {
  const formats::WeightSource source = source_of(of);
  const formats::Weight weight = formats::find_weight(source, "w.weight").value();
  std::vector<float> from(static_cast<std::size_t>(weight.elements()), 1.0F), to(from.size());
  const double bytes = static_cast<double>(to.size() * sizeof(float));
  constexpr std::int64_t kStep = 32;  // rows at a time, as products take them
  std::vector<double> copies, decodes;
  for (const double start = now_seconds(); now_seconds() - start < 2 * kSeconds;) {
    copies.push_back(seconds_of([&] { std::memcpy(to.data(), from.data(), to.size() * sizeof(float)); }));
    decodes.push_back(seconds_of([&] {
      for (std::int64_t row = 0; row < weight.rows; row += kStep)
        weight.decode_checked_rows(row, kStep, to.data() + row * weight.columns);
    }));
  }
  const auto median = [](std::vector<double>& values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                     values.end());
    return values[values.size() / 2];
  };
  const double copy = bytes / median(copies) * 1e-9, decode = bytes / median(decodes) * 1e-9;
  fmt::print("{:<30} {:6.2f} GB/s  memcpy {:6.2f} GB/s  share {:.2f}\n", of.name, decode, copy,
             decode / copy);
}

}  // namespace

int main(int count, char** arguments) {
  fmt::print("{}, {}\n", cpu_name(), name(instruction_set()));
  for (Case& of : cases())
    if (count < 2 || of.name.find(arguments[1]) != std::string::npos) measure(std::move(of));
  return 0;
}
