#include "surgery/output_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "arch/neuron_axis.h"
#include "arch/tensor_names.h"
#include "formats/weight_format.h"
#include "surgery/renumbering.h"
#include "surgery/weight_rows.h"

namespace espalier {
namespace {

using arch::MoePart;

/// The layer a tensor belongs to, and which expert of it (of all: none).
struct Place {
  std::size_t layer = 0;
  std::optional<std::int64_t> expert;
  MoePart part = MoePart::kRouter;
};

class Maker {
 public:
  Maker(const Checkpoint& checkpoint, const Surgery& surgery)
      : checkpoint_(checkpoint),
        surgery_(surgery),
        names_(arch::names_of(surgery.topology.model_type)),
        numbers_(surgery) {
    const auto& layers = surgery.topology.layers;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      for (const auto& name : layers[i].router_tensors) places_[name] = {i, {}, MoePart::kRouter};
      for (const auto& name : layers[i].stacked_tensors) places_[name] = {i, {}, MoePart::kStacked};
      for (std::size_t expert = 0; expert < layers[i].expert_tensors.size(); ++expert) {
        for (const auto& name : layers[i].expert_tensors[expert])
          places_[name] = {i, static_cast<std::int64_t>(expert), MoePart::kExpert};
      }
      if (!layers[i].novices.empty()) novice_names_.insert(layers[i].novices);
      if (!layers[i].token_experts.empty()) tables_[layers[i].token_experts] = i;
    }
  }

  /// The constants that a vision model's router rows without an expert give, where `input` is the router's
  /// weight and any row has one: those of earlier plans, this plan's own, zeros for the others.
  std::optional<OutputTensor> novices(const TensorView& input) const {
    const auto found = places_.find(std::string(input.name));
    if (!surgery_.keeps_rows() || found == places_.end()) return std::nullopt;
    const Place& place = found->second;
    const MoeLayerTensors& tensors = surgery_.topology.layers[place.layer];
    if (input.name != tensors.router) return std::nullopt;
    const std::string& name = tensors.novices;
    const bool earlier = checkpoint_.contains(name);
    if (!earlier && layer(place).novices.empty()) return std::nullopt;
    OutputTensor result = like(earlier ? checkpoint_.tensor(name) : input);
    result.name = name;
    const std::uint64_t bytes = static_cast<std::uint64_t>(result.shape[1]) * size_bytes(result.dtype);
    std::int64_t expert = 0, gone = 0, rows = 0;
    for (std::int64_t row = 0; row < input.shape[0]; ++row) {
      const bool answers = expert < tensors.num_experts && row == row_of(tensors, expert);
      if (!answers)
        append(result, earlier ? row_of(checkpoint_.tensor(name), gone++, bytes) : zeros(bytes));
      else if (!is_kept(place, expert))
        append(result, novice(place, static_cast<int>(expert), bytes));
      rows += answers && is_kept(place, expert) ? 0 : 1;
      expert += answers ? 1 : 0;
    }
    result.shape[0] = rows;
    return result;
  }

  std::optional<OutputTensor> tensor(const TensorView& input) const {
    if (novice_names_.contains(std::string(input.name))) return std::nullopt;  // see `novices`
    const auto block = names_.block(input.name);
    if (block && numbers_.is_gone(*block)) return std::nullopt;
    if (surgery_.options.next_token == NextTokenLayers::kDrop && names_.is_of_next_token_module(input.name))
      return std::nullopt;
    if (const auto table = tables_.find(std::string(input.name)); table != tables_.end())
      return renumbered(input, table->second);
    const auto found = places_.find(std::string(input.name));
    if (found == places_.end()) return whole(input);
    const Place& place = found->second;
    if (place.part == MoePart::kExpert) return of_expert(input, place);
    if (place.part == MoePart::kRouter) {
      if (becomes_ffn(place.layer)) return std::nullopt;
      if (surgery_.zero_fills() || surgery_.keeps_rows()) return whole(input);
    }
    return of_all_experts(input, place);
  }

 private:
  const LayerSurgery& layer(const Place& place) const { return surgery_.layers[place.layer]; }

  /// A plain FFN stands in the place of a lone expert.
  bool becomes_ffn(std::size_t i) const {
    return surgery_.can().lone_expert_is_dense && surgery_.experts_after(i) == 1;
  }

  static OutputTensor like(const TensorView& input) {
    return {std::string(input.name),
            input.dtype,
            {input.shape.begin(), input.shape.end()},
            {},
            std::string(input.name)};
  }

  static ByteRange range(const TensorView& input) { return {input.file, input.begin, input.bytes.size()}; }

  static OutputTensor whole(const TensorView& input) {
    OutputTensor result = like(input);
    result.pieces.push_back(copy(range(input)));
    return result;
  }

  /// A table of experts by token, with the numbers that they have afterwards.
  OutputTensor renumbered(const TensorView& input, std::size_t i) const {
    const auto& keep = surgery_.layers[i].keep;
    std::vector<std::int64_t> number_of(static_cast<std::size_t>(surgery_.topology.layers[i].num_experts),
                                        -1);
    for (std::size_t place = 0; place < keep.size(); ++place)
      number_of[static_cast<std::size_t>(keep[place])] = static_cast<std::int64_t>(place);
    OutputTensor result = whole(input);
    if (surgery_.zero_fills() || surgery_.keeps_rows() || keep.size() == number_of.size()) return result;
    result.pieces.front().kind = PieceKind::kRenumbered;
    result.pieces.front().number_of = std::move(number_of);
    return result;
  }

  const ExpertMerge* merge_into(const Place& place, std::int64_t expert) const {
    for (const ExpertMerge& merge : layer(place).merge) {
      if (merge.into == expert) return &merge;
    }
    return nullptr;
  }

  bool is_kept(const Place& place, std::int64_t expert) const {
    const auto& keep = layer(place).keep;
    return std::binary_search(keep.begin(), keep.end(), static_cast<int>(expert));
  }

  static std::int64_t row_of(const MoeLayerTensors& tensors, std::int64_t expert) {
    return tensors.router_rows.empty() ? expert : tensors.router_rows[static_cast<std::size_t>(expert)];
  }
  static OutputPiece row_of(const TensorView& matrix, std::int64_t row, std::uint64_t bytes) {
    const std::uint64_t begin = matrix.begin + static_cast<std::uint64_t>(row) * bytes;
    return {PieceKind::kCopy, bytes, {matrix.file, begin, bytes}, {}};
  }
  static OutputPiece zeros(std::uint64_t bytes) { return {PieceKind::kZeros, bytes, {}, {}}; }
  static OutputPiece filled(std::uint64_t bytes, std::byte fill) {
    OutputPiece piece = zeros(bytes);
    piece.fill = fill;
    return piece;
  }

  OutputPiece novice(const Place& place, int expert, std::uint64_t bytes) const {
    const auto found = layer(place).novices.find(expert);
    if (found == layer(place).novices.end()) return zeros(bytes);
    OutputPiece values{PieceKind::kValues, bytes, {}, {}};
    values.values = found->second;
    return values;
  }

  std::optional<OutputTensor> of_expert(const TensorView& input, const Place& place) const {
    const bool kept = is_kept(place, *place.expert);
    if (!kept && !surgery_.zero_fills()) return std::nullopt;
    OutputTensor result = like(input);
    if (!kept) {
      result.pieces.push_back(zeros(input, range(input)));
    } else {
      const ExpertMerge* merge = merge_into(place, *place.expert);
      result.pieces.push_back(merge == nullptr ? copy(range(input)) : sum_of_experts(input, *merge));
      if (!surgery_.zero_fills()) result.name = name_after(input.name, place);
    }
    return result;
  }

  /// The same projection of another expert.
  TensorView sibling(const TensorView& input, std::int64_t expert) const {
    return checkpoint_.tensor(arch::renumbered(input.name, *names_.parse(input.name), expert));
  }

  std::string name_after(std::string_view name, const Place& place) const {
    const auto parsed = names_.parse(name);
    if (becomes_ffn(place.layer))
      return fmt::format("{}{}.{}", parsed->block.stack, parsed->block.block, parsed->role);
    return arch::renumbered(name, *parsed, *numbers_.after(parsed->block, parsed->expert));
  }

  static OutputPiece copy(const ByteRange& from) { return {PieceKind::kCopy, from.bytes, from}; }

  /// The same tensor of all experts that are merged: the part of a weight that `input` is.
  OutputPiece sum_of_experts(const TensorView& input, const ExpertMerge& merge) const {
    const formats::Place at = formats::place_of(checkpoint_.weights(), input);
    const formats::Weight weight = checkpoint_.weight(at.weight);
    WeightSum sum{weight, {}, order_axis(weight.name, merge)};
    for (std::size_t i = 0; i < merge.from.size(); ++i) {
      SumTerm& term = sum.terms.emplace_back(SumTerm{static_cast<float>(merge.weights[i]), {}, {}});
      for (std::size_t part = 0; part < weight.parts.size(); ++part) {
        if (!weight.parts[part].there) continue;
        const auto name = formats::part_name(*at.format, part, at.weight);
        term.parts[part] = range(sibling(checkpoint_.tensor(name), merge.from[i]));
      }
      if (sum.order_axis != NeuronAxis::kNone) term.order = merge.neurons[i];
    }
    return {PieceKind::kSum, input.bytes.size(), {}, std::make_shared<WeightSum>(std::move(sum)), at.part};
  }

  /// Where the merge orders neurons (`fit_plan` has checked that they fit).
  NeuronAxis order_axis(std::string_view weight, const ExpertMerge& merge) const {
    return merge.neurons.empty() ? NeuronAxis::kNone : neuron_axis(surgery_.topology.model_type, weight);
  }

  /// The part of a stack that is one expert's, summed over those that are merged.
  OutputPiece sum_in_stack(const TensorView& input, std::int64_t entries, const ExpertMerge& merge) const {
    const formats::Place at = formats::place_of(checkpoint_.weights(), input);
    const formats::Weight weight = checkpoint_.weight(at.weight);
    const bool numbers = input.elements() == entries;  // one for each expert
    const std::int64_t rows = numbers ? 1 : weight.rows / entries;
    WeightSum sum{numbers ? formats::dense_weight({input.dtype, {}}, 1, 1) : weight.slice(0, rows), {}};
    for (std::size_t i = 0; i < merge.from.size(); ++i) {
      SumTerm& term = sum.terms.emplace_back(SumTerm{static_cast<float>(merge.weights[i]), {}, {}});
      for (std::size_t part = 0; part < weight.parts.size(); ++part) {
        if (!weight.parts[part].there) continue;
        term.parts[part] = range(checkpoint_.tensor(formats::part_name(*at.format, part, at.weight)));
        const std::size_t step =
            numbers ? size_bytes(input.dtype) : at.format->bytes_of_rows(weight, part, 0, rows).size;
        term.parts[part].begin += static_cast<std::uint64_t>(merge.from[i]) * step;
      }
    }
    return {PieceKind::kSum,
            input.bytes.size() / static_cast<std::uint64_t>(entries),
            {},
            std::make_shared<WeightSum>(std::move(sum)),
            at.part};
  }

  /// What only describes the others stays: numbers that mean zero make an expert zero.
  OutputPiece zeros(const TensorView& input, const ByteRange& old) const {
    const formats::Place at = formats::place_of(checkpoint_.weights(), input);
    if (at.part > 0 && at.format->describes[at.part - 1]) return copy(old);
    if (at.format->zero == nullptr) return zeros(old.bytes);
    return filled(old.bytes, at.format->zero(checkpoint_.weight(at.weight), at.part));
  }

  /// A tensor with an entry for each expert on an axis; a router's may have some after them, which stay.
  OutputTensor of_all_experts(const TensorView& input, const Place& place) const {
    const MoeLayerTensors& tensors = surgery_.topology.layers[place.layer];
    const std::size_t axis = names_.parse(input.name)->axis;
    const bool has_extra = place.part == MoePart::kRouter && input.shape[axis] != tensors.num_experts;
    const std::int64_t extra = has_extra ? tensors.extra_router_rows : 0;
    const std::int64_t entries = tensors.num_experts + extra;
    std::int64_t rows = 1;  // before that axis
    for (std::size_t i = 0; i < axis; ++i) rows *= input.shape[i];
    OutputTensor result = like(input);
    const std::int64_t share = input.shape[axis] / entries;  // of an expert, in a flat stack
    result.shape[axis] = (surgery_.experts_after(place.layer) + extra) * share;
    const std::uint64_t bytes = input.bytes.size() / static_cast<std::uint64_t>(rows * entries);
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto source = [&](std::int64_t entry) -> ByteRange {
        return {input.file, input.begin + static_cast<std::uint64_t>(row * entries + entry) * bytes, bytes};
      };
      for (std::int64_t expert = 0; expert < tensors.num_experts; ++expert)
        append_entry(result, input, place, expert, entries, source(expert));
      for (std::int64_t entry = tensors.num_experts; entry < entries; ++entry)
        append(result, copy(source(entry)));
    }
    return result;
  }

  void append_entry(OutputTensor& result, const TensorView& input, const Place& place, std::int64_t expert,
                    std::int64_t entries, const ByteRange& source) const {
    const ExpertMerge* merge = merge_into(place, expert);
    if (is_kept(place, expert))
      append(result, merge == nullptr ? copy(source) : sum_in_stack(input, entries, *merge));
    else if (surgery_.zero_fills())
      append(result, zeros(input, source));
  }

  /// Neighbours that are copied become one piece.
  static void append(OutputTensor& tensor, OutputPiece next) {
    if (!tensor.pieces.empty() && next.kind == PieceKind::kCopy) {
      OutputPiece& last = tensor.pieces.back();
      if (last.kind == PieceKind::kCopy && last.source.begin + last.bytes == next.source.begin) {
        last.bytes = last.source.bytes = last.bytes + next.bytes;
        return;
      }
    }
    tensor.pieces.push_back(std::move(next));
  }

  const Checkpoint& checkpoint_;
  const Surgery& surgery_;
  const arch::TensorNames& names_;
  const Renumbering numbers_;
  std::unordered_map<std::string, Place> places_;
  std::unordered_set<std::string> novice_names_;
  std::unordered_map<std::string, std::size_t> tables_;  // of experts by token; their layers
};

}  // namespace

std::vector<OutputTensor> output_tensors(const Checkpoint& checkpoint, const Surgery& surgery) {
  std::vector<TensorView> inputs;
  for (const std::string_view name : checkpoint.names()) inputs.push_back(checkpoint.tensor(name));
  std::sort(inputs.begin(), inputs.end(), [](const TensorView& a, const TensorView& b) {
    return std::pair(a.file, a.begin) < std::pair(b.file, b.begin);
  });
  const Maker maker(checkpoint, surgery);
  std::vector<OutputTensor> result;
  for (const TensorView& input : inputs) {
    if (auto tensor = maker.tensor(input)) result.push_back(std::move(*tensor));
    if (auto tensor = maker.novices(input)) result.push_back(std::move(*tensor));
  }
  return result;
}

}  // namespace espalier
