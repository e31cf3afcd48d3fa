#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "arch/neuron_axis.h"
#include "checkpoint/checkpoint.h"
#include "surgery/surgery.h"

namespace espalier {

/// Bytes [begin, begin + bytes) of an input file.
struct ByteRange {
  std::size_t file = 0;  // of Layout::inputs
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
};

/// Where the parts of a weight are in the input files (formats/weight.h).
using PartRanges = std::array<ByteRange, 1 + formats::kMaxCompanions>;

/// A weight of the input files times a number.
struct SumTerm {
  float factor = 0;
  PartRanges parts;
  std::vector<int> order = {};  ///< which row or column takes each place; empty: they lie as they are
};

/// A weighted sum of weights of one format, shape and blocks: decoded, added up in float32 in the order of
/// the terms, stored in the same format.
struct WeightSum {
  formats::Weight like;                       ///< of each term and of the sum; its bytes are not read
  std::vector<SumTerm> terms;                 ///< in the plan's order
  NeuronAxis order_axis = NeuronAxis::kNone;  ///< of the terms' orders: kRows or kColumns
};

/// A weight of the input files, stored in another format.
struct Conversion {
  formats::Weight from;  ///< its bytes are not read
  PartRanges parts;
  formats::Weight to;   ///< without bytes
  bool turned = false;  ///< the rows of `from` are the columns of `to`, in each matrix of a stack
};

enum class PieceKind {
  kCopy,        ///< the bytes of `source` as they are
  kSum,         ///< a part of the sum of several weights
  kConverted,   ///< a part of a weight in another format
  kRenumbered,  ///< the bytes of `source`, numbers of experts, each replaced by `number_of` it
  kValues,      ///< `values`, each rounded once
  kZeros        ///< `fill`, again and again
};

/// A part of an output tensor.
struct OutputPiece {
  PieceKind kind = PieceKind::kCopy;
  std::uint64_t bytes = 0;
  ByteRange source = {};                           // kCopy, kRenumbered
  std::shared_ptr<const WeightSum> sum = nullptr;  // kSum
  std::size_t part = 0;                            // kSum: of sum->like; kConverted: of conversion->to
  std::vector<float> values = {};                  // kValues
  std::shared_ptr<const Conversion> conversion = nullptr;
  std::byte fill{};                          // kZeros: of what stands for zero
  std::vector<std::int64_t> number_of = {};  // kRenumbered: [E]
};

struct OutputTensor {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<std::int64_t> shape;
  std::vector<OutputPiece> pieces;  // one after the other
  std::string from;                 ///< the input tensor, for messages

  std::uint64_t bytes() const;
};

/// One safetensors file: data in the order given.
struct OutputShard {
  std::string file;
  std::string header;  ///< all bytes before the data
  std::vector<OutputTensor> tensors;

  std::uint64_t bytes() const;  ///< of the whole file
};

/// Where every byte of the result comes from. Decided from the headers alone: what `apply` writes and what
/// `verify` compares with.
struct Layout {
  std::vector<std::filesystem::path> inputs;
  std::vector<OutputShard> shards;
  std::uint64_t data_bytes = 0;  ///< of all tensors

  std::uint64_t file_bytes() const;
};

/// Tensors lie in the order of the input, so that one pass over it serves; within a file, wider dtypes first.
/// A new file begins where the next tensor would not fit into `shard_bytes` any more (one that is larger has
/// a file of its own). `shard_bytes` 0: the size of the input's largest file.
Layout plan_layout(const Checkpoint& checkpoint, const Surgery& surgery, std::uint64_t shard_bytes);
/// The same of tensors in the order of the input.
Layout lay_out(const Checkpoint& checkpoint, std::vector<OutputTensor> tensors, std::uint64_t shard_bytes);

}  // namespace espalier
