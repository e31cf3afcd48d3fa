#include "surgery/write_shard.h"

#include <algorithm>

#include "surgery/copy_stream.h"

namespace espalier {
namespace {

std::vector<ByteRange> copied_ranges(const OutputShard& shard) {
  std::vector<ByteRange> ranges;
  for (const OutputTensor& tensor : shard.tensors) {
    for (const OutputPiece& piece : tensor.pieces) {
      if (piece.kind == PieceKind::kCopy) ranges.push_back(piece.source);
    }
  }
  return ranges;
}

class ShardWriter {
 public:
  ShardWriter(const OutputShard& shard, const Inputs& inputs, AtomicFile& output, const BytesWritten& written)
      : inputs_(inputs), source_(inputs, copied_ranges(shard)), output_(output), written_(written) {}

  void copy(std::uint64_t bytes) {
    for (std::uint64_t done = 0; done < bytes;) {
      const auto next = source_.next();
      write(next);
      done += next.size();
    }
  }

  void compute_and_write(const OutputPiece& piece, Dtype dtype) {
    buffer_.resize(kPieceBytes);
    for (std::uint64_t done = 0; done < piece.bytes;) {
      const auto step = std::span(buffer_).first(std::min<std::uint64_t>(kPieceBytes, piece.bytes - done));
      compute(piece, dtype, inputs_, done, step);
      write(step);
      done += step.size();
    }
  }

  void write(std::span<const std::byte> bytes) {
    output_.write(bytes);
    written_(bytes.size());
  }

  void finish() { output_.finish(); }

 private:
  const Inputs& inputs_;
  CopyStream source_;
  BlockWriter output_;
  const BytesWritten& written_;
  std::vector<std::byte> buffer_;
};

}  // namespace

void write_shard(const OutputShard& shard, const Inputs& inputs, const std::filesystem::path& file,
                 const BytesWritten& written) {
  AtomicFile output(file);
  output.reserve(shard.bytes());
  {
    ShardWriter writer(shard, inputs, output, written);
    writer.write(std::as_bytes(std::span(shard.header)));
    for (const OutputTensor& tensor : shard.tensors) {
      for (const OutputPiece& piece : tensor.pieces) {
        if (piece.kind == PieceKind::kCopy)
          writer.copy(piece.source.bytes);
        else
          writer.compute_and_write(piece, tensor.dtype);
      }
    }
    writer.finish();
  }
  output.commit();
}

bool is_written(const OutputShard& shard, const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return false;
  const InputFile found(file);
  if (found.size() != shard.bytes()) return false;
  std::string header(shard.header.size(), '\0');
  found.read(0, std::as_writable_bytes(std::span(header)));
  return header == shard.header;
}

}  // namespace espalier
