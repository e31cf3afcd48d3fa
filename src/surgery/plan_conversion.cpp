#include <algorithm>
#include <set>

#include "arch/described_model.h"
#include "formats/weight_format.h"
#include "surgery/convert.h"
#include "surgery/weight_rows.h"

namespace espalier {
namespace {

constexpr std::string_view kExperts = "experts", kRouters = "routers", kOther = "other";

/// What a weight is for, by its name; experts and routers are known from the family's table.
std::string_view kind_by_name(std::string_view name) {
  const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (has("norm") || has("conv")) return kOther;
  if (has("shared_expert")) return "shared experts";
  if (has("attn") || has("attention")) return "attention";
  if (has("embed") || has("head") || name.starts_with("wte")) return "embeddings and head";
  return has("mlp") || has("feed_forward") || has("ffn") ? "feed-forward" : kOther;
}

class Planner {
 public:
  Planner(const Checkpoint& checkpoint, ConvertTo to) : checkpoint_(checkpoint), to_(to) {
    const Topology topology = arch::describe(checkpoint).topology;
    for (const MoeLayerTensors& layer : topology.layers) {
      routers_.insert(layer.router_tensors.begin(), layer.router_tensors.end());
      experts_.insert(layer.stacked_tensors.begin(), layer.stacked_tensors.end());
      for (const auto& tensors : layer.expert_tensors) experts_.insert(tensors.begin(), tensors.end());
    }
  }

  ConversionPlan run() {
    std::vector<TensorView> inputs;
    for (const std::string_view name : checkpoint_.names()) inputs.push_back(checkpoint_.tensor(name));
    std::sort(inputs.begin(), inputs.end(), [](const TensorView& a, const TensorView& b) {
      return std::pair(a.file, a.begin) < std::pair(b.file, b.begin);
    });
    for (const TensorView& input : inputs) add(input);
    std::sort(result_.plain_modules.begin(), result_.plain_modules.end());
    return std::move(result_);
  }

 private:
  std::string_view kind_of(const TensorView& main) const {
    const std::string name(main.name);
    if (experts_.contains(name)) return kExperts;
    return routers_.contains(name) ? kRouters : kind_by_name(name);
  }

  /// A linear layer that DeepSeek-V3 and its followers store in FP8.
  static bool is_linear(std::string_view kind, std::string_view weight, const formats::Shape& shape) {
    if (kind == kExperts) return shape.size() >= 2 && !weight.ends_with("bias");
    return (kind == "shared experts" || kind == "attention" || kind == "feed-forward") && shape.size() == 2 &&
           shape.front() > 1 && weight.ends_with(".weight");
  }

  void add(const TensorView& input) {
    const formats::Place place = formats::place_of(checkpoint_.weights(), input);
    if (place.part > 0) return;  // with its weight
    const formats::Weight weight = checkpoint_.weight(place.weight);
    const formats::Shape shape = *formats::find_main(checkpoint_.weights(), place.weight)->shape;
    const bool plain = weight.format == &formats::weight_formats().back();
    const std::string_view kind = kind_of(input);
    if (plain && (!is_float(input.dtype) || shape.size() < 2 || kind == kRouters))
      return leave(input, place, shape);
    // What a quantiser left in float32 it left for a reason.
    const bool quantised = !checkpoint_.weights().quantization.method.empty();
    if (plain && quantised && to_ == ConvertTo::kBf16) return leave(input, place, shape);
    if (to_ != ConvertTo::kFp8) return dense(input, place, weight, shape, kind);
    if (is_linear(kind, place.weight, shape)) return fp8(input, place, weight, shape, kind);
    if (plain) return leave(input, place, shape);
    dense(input, place, weight, shape, kind);
    note_plain(place, shape);
  }

  void copy(const TensorView& input) {
    OutputTensor tensor{std::string(input.name),
                        input.dtype,
                        {input.shape.begin(), input.shape.end()},
                        {},
                        std::string(input.name)};
    tensor.pieces.push_back(
        {PieceKind::kCopy, input.bytes.size(), {input.file, input.begin, input.bytes.size()}});
    result_.tensors.push_back(std::move(tensor));
  }

  void leave(const TensorView& input, const formats::Place& place, const formats::Shape& shape) {
    copy(input);
    note_plain(place, shape);
  }

  void note_plain(const formats::Place& place, const formats::Shape& shape) {
    constexpr std::string_view kEnding = ".weight";
    if (shape.size() == 2 && place.weight.ends_with(kEnding))
      result_.plain_modules.push_back(place.weight.substr(0, place.weight.size() - kEnding.size()));
  }

  std::shared_ptr<const Conversion> conversion(const formats::Place& place, const formats::Weight& from,
                                               formats::Weight to) {
    Conversion result{from, part_ranges(checkpoint_, place), std::move(to), from.format->turned};
    return std::make_shared<const Conversion>(std::move(result));
  }

  void dense(const TensorView& input, const formats::Place& place, const formats::Weight& weight,
             const formats::Shape& shape, std::string_view kind) {
    const Dtype dtype = to_ == ConvertTo::kF32 ? Dtype::kF32 : Dtype::kBF16;
    if (weight.format == &formats::weight_formats().back() && input.dtype == dtype) return copy(input);
    formats::Weight to = formats::dense_weight({dtype, {}}, 0, 0);
    formats::set_shape(to, shape);
    const auto made = conversion(place, weight, std::move(to));
    write(input, place.weight, dtype, shape, made, 0);
    result_.converted.push_back({place.weight, std::string(kind), made});
  }

  /// FP8 with the scales that would be written: in blocks of that size, or one alone.
  bool is_already(const formats::Weight& weight, const std::string& scales,
                  const formats::Shape& blocks) const {
    const formats::Quantization& settings = checkpoint_.weights().quantization;
    if (weight.main().dtype != Dtype::kF8E4M3 || !checkpoint_.contains(scales)) return false;
    const TensorView found = checkpoint_.tensor(scales);
    return found.dtype == Dtype::kF32 && std::ranges::equal(found.shape, blocks) &&
           (found.elements() == 1 || (settings.block_rows == 128 && settings.block_columns == 128));
  }

  void fp8(const TensorView& input, const formats::Place& place, const formats::Weight& weight,
           const formats::Shape& shape, std::string_view kind) {
    formats::Weight to = formats::fp8_weight(shape);
    const std::size_t scales = 1;
    const std::string scale_name = formats::part_name(*to.format, scales, place.weight);
    formats::Shape blocks = shape;
    blocks[blocks.size() - 2] = (blocks[blocks.size() - 2] + to.block_rows - 1) / to.block_rows;
    blocks.back() = (blocks.back() + to.block_columns - 1) / to.block_columns;
    if (is_already(weight, scale_name, blocks)) {
      copy(input);
      return copy(checkpoint_.tensor(scale_name));
    }
    const auto made = conversion(place, weight, to);
    write(input, place.weight, Dtype::kF8E4M3, shape, made, 0);
    write(input, scale_name, Dtype::kF32, blocks, made, scales);
    result_.converted.push_back({place.weight, std::string(kind), made});
  }

  void write(const TensorView& input, std::string name, Dtype dtype, formats::Shape shape,
             const std::shared_ptr<const Conversion>& made, std::size_t part) {
    OutputPiece piece{PieceKind::kConverted, size_bytes(dtype)};
    for (const std::int64_t size : shape) piece.bytes *= static_cast<std::uint64_t>(size);
    piece.part = part;
    piece.conversion = made;
    OutputTensor tensor{std::move(name), dtype, std::move(shape), {}, std::string(input.name)};
    tensor.pieces.push_back(std::move(piece));
    result_.tensors.push_back(std::move(tensor));
  }

  const Checkpoint& checkpoint_;
  const ConvertTo to_;
  ConversionPlan result_;
  std::set<std::string> routers_, experts_;
};

}  // namespace

ConversionPlan plan_conversion(const Checkpoint& checkpoint, ConvertTo to) {
  return Planner(checkpoint, to).run();
}

}  // namespace espalier
