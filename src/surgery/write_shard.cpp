#include "surgery/write_shard.h"

#include <algorithm>

namespace espalier {
namespace {

constexpr std::uint64_t kCopyStepBytes = 32 << 20;  // between looks at Ctrl-C

void copy(const ByteRange& source, const Inputs& inputs, AtomicFile& output, const BytesWritten& written) {
  for (std::uint64_t done = 0; done < source.bytes;) {
    const std::uint64_t step = std::min(kCopyStepBytes, source.bytes - done);
    output.append(inputs[source.file], source.begin + done, step);
    done += step;
    written(step);
  }
}

void write(const OutputPiece& piece, Dtype dtype, const Inputs& inputs, AtomicFile& output,
           const BytesWritten& written) {
  if (piece.kind == PieceKind::kCopy) return copy(piece.source, inputs, output, written);
  std::vector<std::byte> buffer(std::min<std::uint64_t>(piece.bytes, kPieceBytes));
  for (std::uint64_t done = 0; done < piece.bytes;) {
    const auto step = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), piece.bytes - done));
    compute(piece, dtype, inputs, done, step);
    output.write(step);
    done += step.size();
    written(step.size());
  }
}

}  // namespace

void write_shard(const OutputShard& shard, const Inputs& inputs, const std::filesystem::path& file,
                 const BytesWritten& written) {
  AtomicFile output(file);
  output.reserve(shard.bytes());
  output.write(shard.header);
  written(shard.header.size());
  for (const OutputTensor& tensor : shard.tensors) {
    for (const OutputPiece& piece : tensor.pieces) write(piece, tensor.dtype, inputs, output, written);
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
