#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "arch/misfits.h"
#include "arch/tensor_table.h"
#include "base/error.h"
#include "formats/weight_format.h"

namespace espalier::arch {
namespace {

/// A weight that holds a role, by a row of the table.
struct Candidate {
  const TensorRow* row;
  std::string weight;
  formats::MainTensor main;
};

class Binder {
 public:
  Binder(const ModelSpec& spec, const Checkpoint& checkpoint)
      : spec_(spec), checkpoint_(checkpoint), names_(names_of(spec.family)) {}

  void run(std::map<TensorKey, WeightPlace>& places, std::map<Group, bool>& groups,
           std::vector<std::string>& unused) {
    const auto expected = expected_tensors(spec_);
    for (const ExpectedTensor& tensor : expected)
      if (tensor.group == Group::kModel || find(tensor)) groups[tensor.group] = true;
    for (const ExpectedTensor& tensor : expected)
      if (groups.contains(tensor.group)) add(tensor, places);
    for (const std::string_view name : checkpoint_.names()) {
      if (used_.contains(name)) continue;
      refuse_surplus(name);
      unused.emplace_back(name);
    }
    misfits_.fail_if_any(checkpoint_.folder());
  }

 private:
  Stack stack_of(std::int64_t block) const {
    if (spec_.encoder_blocks == 0 || block < 0) return Stack::kOnly;
    return block < spec_.encoder_blocks ? Stack::kEncoder : Stack::kDecoder;
  }
  std::int64_t in_stack(std::int64_t block) const {
    return stack_of(block) == Stack::kDecoder ? block - spec_.encoder_blocks : block;
  }

  std::optional<Candidate> find(const ExpectedTensor& tensor) const {
    const TensorKey& key = tensor.key;
    std::optional<Candidate> first;
    for (const TensorRow* row : names_.rows(key.role, key.part, stack_of(key.block))) {
      const std::string name = names_.name(*row, in_stack(key.block), key.expert);
      for (const std::string& spelling : names_.spellings(name)) {
        auto main = formats::find_main(checkpoint_.weights(), spelling);
        if (!main) continue;
        Candidate found{row, spelling, std::move(*main)};
        if (fits(tensor, found)) return found;
        if (!first) first = std::move(found);
      }
    }
    return first;
  }

  /// Libraries and publishers lay the same stack in different ways.
  bool fits(const ExpectedTensor& tensor, const Candidate& found) const {
    return found.main.shape == stored_shape(tensor, found.row->storage, experts_of(tensor.key));
  }

  /// The family has the role, in tensors that are not read.
  bool is_unread(const ExpectedTensor& tensor) const {
    const auto rows = names_.rows(tensor.key.role, tensor.key.part, stack_of(tensor.key.block));
    return !rows.empty() && rows.front()->name.empty();
  }

  std::string published_name(const ExpectedTensor& tensor) const {
    const TensorKey& key = tensor.key;
    const auto rows = names_.rows(key.role, key.part, stack_of(key.block));
    if (rows.empty()) throw InternalError(fmt::format("{}: a role without a row in its table", spec_.family));
    return names_.name(*rows.front(), in_stack(key.block), key.expert);
  }

  void add(const ExpectedTensor& tensor, std::map<TensorKey, WeightPlace>& places) {
    if (is_unread(tensor)) return;
    const auto found = find(tensor);
    if (!found) return misfits_.add("tensor {} is missing", published_name(tensor));
    used_.insert(found->main.tensor.name);
    if (found->main.shape) check(tensor, *found);
    places.emplace(tensor.key, place_in(found->weight, tensor, found->row->storage));
  }

  void check(const ExpectedTensor& tensor, const Candidate& found) {
    const formats::Tensor& view = found.main.tensor;
    const bool plain = found.main.format == &formats::weight_formats().back();
    if (plain && !is_float(view.dtype) && tensor.key.role != Role::kTokenExperts)
      return misfits_.add("tensor {} is {}, expected floating point", view.name, espalier::name(view.dtype));
    if (fits(tensor, found)) return;
    const auto expected = stored_shape(tensor, found.row->storage, experts_of(tensor.key));
    const auto& shape = *found.main.shape;
    const bool own = std::equal(shape.begin(), shape.end(), view.shape.begin(), view.shape.end());
    misfits_.add("tensor {} {} [{}], config.json asks for [{}]{}", view.name, own ? "is" : "stands for",
                 fmt::join(shape, ", "), fmt::join(expected, ", "), reason(tensor, found));
  }

  std::int64_t experts_of(const TensorKey& key) const {
    return key.block < 0 ? 0 : spec_.blocks[static_cast<std::size_t>(key.block)].experts();
  }

  /// The first size that differs, of a tensor that is the role's own.
  static std::string reason(const ExpectedTensor& tensor, const Candidate& found) {
    const auto& shape = *found.main.shape;
    if (found.row->storage != Storage::kOwn || shape.size() != tensor.shape.size()) return {};
    for (std::size_t i = 0; i < tensor.shape.size(); ++i)
      if (shape[i] != tensor.shape[i])
        return fmt::format(" ({} {})", size_word(tensor.letters[i]), tensor.shape[i]);
    return {};
  }

  /// A tensor of a block, or of an expert, that the config does not account for.
  void refuse_surplus(std::string_view name) {
    const auto block = names_.block(name);
    if (!block) return;
    const std::int64_t number = number_of(*block, spec_.encoder_blocks, spec_.layers());
    if (number >= spec_.layers()) {
      if (is_beyond_all(*block, spec_))
        misfits_.add("tensor {} is of block {}, config.json has {} blocks", name, number, spec_.layers());
      return;
    }
    const auto moe = names_.parse(name);
    if (!moe) return;
    const std::int64_t experts = spec_.blocks[static_cast<std::size_t>(number)].experts();
    const std::string_view field = family_named(spec_.family).config.experts;
    if (experts == 0)
      misfits_.add("tensor {} is of a MoE layer, in config.json block {} is dense", name, number);
    else if (moe->part == MoePart::kExpert && moe->expert >= experts)
      misfits_.add("tensor {} is of expert {}, config.json gives block {} {} experts ({})", name, moe->expert,
                   number, experts, field);
  }

  const ModelSpec& spec_;
  const Checkpoint& checkpoint_;
  const TensorNames& names_;
  std::set<std::string_view> used_;
  Misfits misfits_;
};

}  // namespace

const WeightPlace* BoundTensors::find(const TensorKey& key) const {
  const auto found = places_.find(key);
  return found == places_.end() ? nullptr : &found->second;
}

const WeightPlace& BoundTensors::at(const TensorKey& key) const {
  if (const WeightPlace* found = find(key)) return *found;
  throw InternalError(
      fmt::format("no tensor for role {} of block {}", static_cast<int>(key.role), key.block));
}

BoundTensors bind(const ModelSpec& spec, const Checkpoint& checkpoint) {
  BoundTensors bound;
  Binder(spec, checkpoint).run(bound.places_, bound.groups_, bound.unused_);
  return bound;
}

}  // namespace espalier::arch
