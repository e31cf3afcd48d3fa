#include "surgery/onnx_graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

// Numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
namespace model {
constexpr int kIrVersion = 1, kProducer = 2, kProducerVersion = 3, kGraph = 7, kOpset = 8, kMetadata = 14;
}
namespace graph {
constexpr int kNode = 1, kName = 2, kWeight = 5, kInput = 11, kOutput = 12;
}
namespace node {
constexpr int kInput = 1, kOutput = 2, kName = 3, kType = 4, kAttribute = 5;
}
namespace attribute {
constexpr int kName = 1, kFloat = 2, kInteger = 3, kIntegers = 8, kType = 20;
constexpr int kIsFloat = 1, kIsInteger = 2, kIsIntegers = 7;
}  // namespace attribute
namespace tensor {
constexpr int kDims = 1, kType = 2, kName = 8, kRawData = 9;
constexpr int kIsFloat = 1, kIsInt64 = 7;
}  // namespace tensor
constexpr int kOpsetVersion = 2, kKey = 1, kValue = 2;
constexpr std::int64_t kIrVersion8 = 8, kOpset17 = 17;
constexpr std::uint64_t kLargestMessage = (1ULL << 31) - 1;

/// ValueInfoProto.
ProtobufBytes value_of(const std::string& name, int type, const std::vector<std::string>& dims) {
  ProtobufBytes shape;
  for (const auto& dim : dims) {
    const bool is_number = std::ranges::all_of(dim, [](char c) { return c >= '0' && c <= '9'; });
    ProtobufBytes one;
    if (is_number)
      one.integer(1, std::stoll(dim));
    else
      one.text(2, dim);
    shape.message(1, one);
  }
  const auto tensor_type = ProtobufBytes().integer(1, type).message(2, shape);
  return ProtobufBytes().text(1, name).message(2, ProtobufBytes().message(1, tensor_type));
}

ProtobufBytes head_of(const std::string& name, int type, std::span<const std::int64_t> shape) {
  return ProtobufBytes()
      .integers(tensor::kDims, shape)
      .integer(tensor::kType, type)
      .text(tensor::kName, name);
}

}  // namespace

OnnxGraph::Node::Node(OnnxGraph& graph, std::string_view type, const std::vector<std::string>& inputs)
    : graph_(graph), type_(type) {
  for (const auto& input : inputs) bytes_.text(node::kInput, input);
}

OnnxGraph::Node& OnnxGraph::Node::with(std::string_view name, std::int64_t value) {
  bytes_.message(node::kAttribute, ProtobufBytes()
                                       .text(attribute::kName, name)
                                       .integer(attribute::kInteger, value)
                                       .integer(attribute::kType, attribute::kIsInteger));
  return *this;
}

OnnxGraph::Node& OnnxGraph::Node::with(std::string_view name, float value) {
  bytes_.message(node::kAttribute, ProtobufBytes()
                                       .text(attribute::kName, name)
                                       .number(attribute::kFloat, value)
                                       .integer(attribute::kType, attribute::kIsFloat));
  return *this;
}

OnnxGraph::Node& OnnxGraph::Node::with(std::string_view name, const Integers& values) {
  bytes_.message(node::kAttribute, ProtobufBytes()
                                       .text(attribute::kName, name)
                                       .integers(attribute::kIntegers, values)
                                       .integer(attribute::kType, attribute::kIsIntegers));
  return *this;
}

std::string OnnxGraph::Node::named(std::string output) {
  bytes_.text(node::kOutput, output).text(node::kName, output + "_node").text(node::kType, type_);
  graph_.body_.message(graph::kNode, bytes_);
  return output;
}

std::string OnnxGraph::Node::done() {
  return named(graph_.new_name(type_));
}

std::string OnnxGraph::new_name(std::string_view type) {
  return fmt::format("{}_{}", type, names_++);
}

std::string OnnxGraph::input(const std::string& name, const std::vector<std::string>& dims) {
  body_.message(graph::kInput, value_of(name, tensor::kIsInt64, dims));
  return name;
}

void OnnxGraph::output(const std::string& name, const std::vector<std::string>& dims) {
  body_.message(graph::kOutput, value_of(name, tensor::kIsFloat, dims));
}

std::string OnnxGraph::weight(const std::string& name, const Integers& shape, Values values) {
  std::uint64_t elements = 1;
  for (const auto size : shape) elements *= static_cast<std::uint64_t>(size);
  weights_.push_back({head_of(name, tensor::kIsFloat, shape), elements, std::move(values)});
  return name;
}

std::string OnnxGraph::constant(float value) {
  auto& name = constants_[fmt::format("{}f", value)];
  if (!name.empty()) return name;
  name = new_name("constant");
  const std::string_view raw(reinterpret_cast<const char*>(&value), sizeof value);
  body_.message(graph::kWeight, head_of(name, tensor::kIsFloat, {}).text(tensor::kRawData, raw));
  return name;
}

std::string OnnxGraph::constant(const Integers& values) {
  auto& name = constants_[fmt::format("{}", fmt::join(values, ","))];
  if (!name.empty()) return name;
  name = new_name("constant");
  const Integers shape{static_cast<std::int64_t>(values.size())};
  const std::string_view raw(reinterpret_cast<const char*>(values.data()), values.size() * sizeof values[0]);
  body_.message(graph::kWeight, head_of(name, tensor::kIsInt64, shape).text(tensor::kRawData, raw));
  return name;
}

void OnnxGraph::note(const std::string& key, const std::string& value) {
  notes_.message(model::kMetadata, ProtobufBytes().text(kKey, key).text(kValue, value));
}

std::uint64_t OnnxGraph::parameters() const {
  std::uint64_t count = 0;
  for (const Weight& weight : weights_) count += weight.elements;
  return count;
}

void OnnxGraph::write(const std::filesystem::path& file) const {
  ProtobufBytes name;
  name.text(graph::kName, "espalier");
  std::vector<std::string> openings;  // of each weight, up to its numbers
  std::uint64_t bytes = body_.bytes().size() + name.bytes().size();
  for (const Weight& weight : weights_) {
    const std::uint64_t raw = weight.elements * sizeof(float);
    ProtobufBytes head = weight.head;
    head.opening(tensor::kRawData, raw);
    ProtobufBytes opening;
    opening.opening(graph::kWeight, head.bytes().size() + raw);
    openings.push_back(opening.bytes() + head.bytes());
    bytes += openings.back().size() + raw;
  }
  ProtobufBytes model;
  model.integer(model::kIrVersion, kIrVersion8)
      .text(model::kProducer, "espalier")
      .text(model::kProducerVersion, ESPALIER_VERSION)
      .message(model::kOpset, ProtobufBytes().text(1, "").integer(kOpsetVersion, kOpset17));
  const std::string head =
      model.bytes() + notes_.bytes() + ProtobufBytes().opening(model::kGraph, bytes).bytes();
  if (head.size() + bytes > kLargestMessage)
    throw UserError(
        fmt::format("{}: {} bytes, and an ONNX file holds 2 GiB at most", file.string(), head.size() + bytes),
        "espalier export --to bert has no such limit");
  AtomicFile out(file);
  out.reserve(head.size() + bytes);
  for (const auto& part : {head, body_.bytes(), name.bytes()}) out.write(part);
  std::vector<float> values;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    values.resize(weights_[i].elements);
    weights_[i].values(values);
    out.write(openings[i]);
    out.write(std::as_bytes(std::span(values)));
  }
  out.commit();
}

}  // namespace espalier
