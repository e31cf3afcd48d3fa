#include "arch/table_sources.h"

#include <fmt/format.h>

#include <memory>

#include "base/error.h"

namespace espalier::arch {
namespace {

/// A role's place in a tensor.
struct Portion {
  WeightPlace place;
  std::function<void(std::span<float> to)> fill;
};

/// A tensor in the making.
struct Gathered {
  std::vector<std::int64_t> shape;
  Dtype dtype = Dtype::kF32;
  std::vector<Portion> portions;

  std::size_t elements() const {
    std::int64_t product = 1;
    for (const std::int64_t size : shape) product *= size;
    return static_cast<std::size_t>(product);
  }
};

void scatter(const Portion& portion, std::vector<float>& values, std::vector<float>& to) {
  const WeightPlace& place = portion.place;
  values.resize(static_cast<std::size_t>(place.rows * place.columns));
  portion.fill(values);
  const float* from = values.data();
  for (std::int64_t row = 0; row < place.rows; ++row) {
    float* at = to.data() + place.begin + row * place.row_stride;
    for (std::int64_t column = 0; column < place.columns; ++column)
      at[column * place.column_stride] = *from++;
  }
}

void fill(const Gathered& tensor, std::span<std::byte> to) {
  std::vector<float> whole(tensor.elements()), values;
  if (tensor.portions.size() == 1 && tensor.portions.front().place.is_contiguous())
    tensor.portions.front().fill(whole);
  else
    for (const Portion& portion : tensor.portions) scatter(portion, values, whole);
  from_float32(tensor.dtype, whole, to);
}

Stack stack_of(const ModelSpec& spec, std::int64_t block) {
  if (spec.encoder_blocks == 0 || block < 0) return Stack::kOnly;
  return block < spec.encoder_blocks ? Stack::kEncoder : Stack::kDecoder;
}

/// Puts a role into the tensor that it is published in.
void gather(const ModelSpec& spec, const ExpectedTensor& expected, RoleValues values, Dtype dtype,
            std::map<std::string, Gathered>& tensors) {
  const TensorNames& names = names_of(spec.family);
  const auto& [role, part, block, expert] = values.key;
  const Stack stack = stack_of(spec, block);
  const auto rows = names.rows(role, part, stack);
  if (rows.empty()) throw InternalError(fmt::format("{}: a role without a row in its table", spec.family));
  const TensorRow& row = *rows.front();
  const std::int64_t experts = block < 0 ? 0 : spec.blocks[static_cast<std::size_t>(block)].experts();
  Gathered& tensor =
      tensors[names.name(row, stack == Stack::kDecoder ? block - spec.encoder_blocks : block, expert)];
  tensor.shape = stored_shape(expected, row.storage, experts);
  tensor.dtype = part == Part::kCorrection ? Dtype::kF32 : dtype;
  tensor.portions.push_back({place_in({}, expected, row.storage), std::move(values.fill)});
}

}  // namespace

std::vector<TensorSource> table_sources(const ModelSpec& spec, std::vector<RoleValues> values, Dtype dtype) {
  std::map<TensorKey, ExpectedTensor> expected;
  for (ExpectedTensor& tensor : expected_tensors(spec)) expected.emplace(tensor.key, std::move(tensor));
  std::map<std::string, Gathered> tensors;
  for (RoleValues& role : values) {
    const auto found = expected.find(role.key);
    if (found == expected.end())
      throw InternalError(fmt::format("{}: a role that the model does not have", spec.family));
    gather(spec, found->second, std::move(role), dtype, tensors);
  }
  std::vector<TensorSource> sources;
  for (auto& [name, gathered] : tensors) {
    const auto tensor = std::make_shared<const Gathered>(std::move(gathered));
    sources.push_back(
        {name, tensor->dtype, tensor->shape, [tensor](std::span<std::byte> to) { fill(*tensor, to); }});
  }
  return sources;
}

}  // namespace espalier::arch
