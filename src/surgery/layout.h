#pragma once

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

/// A range times a weight.
struct WeightedRange {
  float weight = 0;
  ByteRange range;
  /// Which row or column of the range takes each place; null: they lie as they are.
  std::shared_ptr<const std::vector<int>> order = nullptr;
  ByteRange scales = {};  ///< kScaledSum, kScaleOfSum: those of the range
};

/// An FP8 matrix [rows, columns] with one scale for each block.
struct ScaledMatrix {
  std::int64_t rows = 0, columns = 0, block_rows = 1, block_columns = 1;
  Dtype dtype = Dtype::kF8E4M3;
  Dtype scale_dtype = Dtype::kF32;
};

enum class PieceKind {
  kCopy,        ///< the bytes of `source` as they are
  kSum,         ///< the weighted sum of `terms`, in float32, rounded once to the tensor's dtype
  kScaledSum,   ///< the same of FP8 with scales
  kScaleOfSum,  ///< the scales that belong to it
  kValues,      ///< `values`, each rounded once
  kZeros
};

/// A part of an output tensor.
struct OutputPiece {
  PieceKind kind = PieceKind::kCopy;
  std::uint64_t bytes = 0;
  ByteRange source = {};                      // kCopy
  std::vector<WeightedRange> terms = {};      // kSum, in the plan's order
  NeuronAxis order_axis = NeuronAxis::kNone;  // of the terms' orders: kRows or kColumns
  std::uint64_t columns = 0;                  // elements of a row, where terms are ordered
  ScaledMatrix scaled = {};                   // kScaledSum, kScaleOfSum
  std::vector<float> values = {};             // kValues
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

}  // namespace espalier
