#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "surgery/protobuf_bytes.h"

namespace espalier {

/// A model in ONNX's format, node by node, with onnx.proto's numbers of fields and operators of opset 17.
/// Weights are not held: each is asked for when it is written.
class OnnxGraph {
 public:
  using Integers = std::vector<std::int64_t>;
  /// Writes a weight's numbers, row after row.
  using Values = std::function<void(std::span<float>)>;

  /// A node with one output, whose name is made up; it is returned.
  class Node {
   public:
    Node(OnnxGraph& graph, std::string_view type, const std::vector<std::string>& inputs);
    Node& with(std::string_view attribute, std::int64_t value);
    Node& with(std::string_view attribute, float value);
    Node& with(std::string_view attribute, const Integers& values);
    std::string named(std::string output);
    std::string done();

   private:
    OnnxGraph& graph_;
    std::string_view type_;
    ProtobufBytes bytes_;
  };
  Node node(std::string_view type, const std::vector<std::string>& inputs) { return {*this, type, inputs}; }

  /// int64 [dims..]; a dim is a name or a number.
  std::string input(const std::string& name, const std::vector<std::string>& dims);
  /// float32.
  void output(const std::string& name, const std::vector<std::string>& dims);
  std::string weight(const std::string& name, const Integers& shape, Values values);
  std::string constant(float value);
  std::string constant(const Integers& values);  ///< int64 [n]
  void note(const std::string& key, const std::string& value);

  std::uint64_t parameters() const;
  /// Atomic. Throws UserError where it is larger than the format's 2 GiB.
  void write(const std::filesystem::path& file) const;

 private:
  struct Weight {
    ProtobufBytes head;
    std::uint64_t elements = 0;
    Values values;
  };
  std::string new_name(std::string_view type);

  ProtobufBytes body_;   // of the graph, but for its weights
  ProtobufBytes notes_;  // of the model
  std::vector<Weight> weights_;
  std::map<std::string, std::string> constants_;  // key -> name
  std::int64_t names_ = 0;
};

}  // namespace espalier
