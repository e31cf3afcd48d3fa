#include "base/dtype.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>

#include "base/error.h"

namespace espalier {
namespace {

struct DtypeRow {
  Dtype dtype;
  std::string_view name;
  std::size_t size_bytes;
};

constexpr std::array<DtypeRow, 16> kDtypes{{
    {Dtype::kBool, "BOOL", 1},
    {Dtype::kU8, "U8", 1},
    {Dtype::kI8, "I8", 1},
    {Dtype::kF8E5M2, "F8_E5M2", 1},
    {Dtype::kF8E4M3, "F8_E4M3", 1},
    {Dtype::kF8E8M0, "F8_E8M0", 1},
    {Dtype::kI16, "I16", 2},
    {Dtype::kU16, "U16", 2},
    {Dtype::kF16, "F16", 2},
    {Dtype::kBF16, "BF16", 2},
    {Dtype::kI32, "I32", 4},
    {Dtype::kU32, "U32", 4},
    {Dtype::kF32, "F32", 4},
    {Dtype::kF64, "F64", 8},
    {Dtype::kI64, "I64", 8},
    {Dtype::kU64, "U64", 8},
}};

const DtypeRow& row(Dtype dtype) {
  for (const DtypeRow& candidate : kDtypes) {
    if (candidate.dtype == dtype) return candidate;
  }
  throw InternalError(fmt::format("no such dtype: {}", static_cast<int>(dtype)));
}

}  // namespace

std::size_t size_bytes(Dtype dtype) {
  return row(dtype).size_bytes;
}

std::string_view name(Dtype dtype) {
  return row(dtype).name;
}

std::string_view torch_name(Dtype dtype) {
  if (dtype == Dtype::kBF16) return "bfloat16";
  return dtype == Dtype::kF16 ? "float16" : "float32";
}

Dtype parse_dtype(std::string_view text) {
  std::array<std::string_view, kDtypes.size()> known;
  for (std::size_t i = 0; i < kDtypes.size(); ++i) {
    if (kDtypes[i].name == text) return kDtypes[i].dtype;
    known[i] = kDtypes[i].name;
  }
  throw UserError(fmt::format("unknown dtype \"{}\"", text),
                  fmt::format("known: {}", fmt::join(known, ", ")));
}

bool is_float(Dtype dtype) {
  return is_fp8(dtype) || dtype == Dtype::kF8E8M0 || dtype == Dtype::kF64 || dtype == Dtype::kF32 ||
         dtype == Dtype::kF16 || dtype == Dtype::kBF16;
}

bool is_fp8(Dtype dtype) {
  return dtype == Dtype::kF8E4M3 || dtype == Dtype::kF8E5M2;
}

}  // namespace espalier
