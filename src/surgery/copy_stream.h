#pragma once

#include <optional>
#include <thread>
#include <vector>

#include "base/block_queue.h"
#include "base/disk_blocks.h"
#include "surgery/pieces.h"

namespace espalier {

/// Bytes that circulate in one block. A disk is busy from there on; more only take memory.
constexpr std::size_t kStreamBlockBytes = 8 << 20;

/// Reads ranges of files ahead of who uses them, on a thread of its own.
class CopyStream {
 public:
  /// `inputs` outlive it.
  CopyStream(const Inputs& inputs, std::vector<ByteRange> ranges);
  ~CopyStream();

  /// The next bytes, in the order of the ranges, at most kStreamBlockBytes and of one range; valid until the
  /// next call. Throws UserError where a file is shorter than its range.
  std::span<const std::byte> next();

 private:
  struct Block {
    DiskBuffer memory{kStreamBlockBytes + 2 * kDiskBlockBytes};
    std::span<const std::byte> content;
  };
  void run(const Inputs& inputs, const std::vector<ByteRange>& ranges);

  BlockQueue<Block> empty_, full_;
  std::optional<Block> shown_;
  std::thread thread_;
};

/// Writes a file in large blocks past the page cache, on a thread of its own.
class BlockWriter {
 public:
  /// `file` outlives it, and nobody else writes to it.
  explicit BlockWriter(AtomicFile& file);
  ~BlockWriter();

  /// Throws the errors of writes before this one.
  void write(std::span<const std::byte> bytes);
  /// Writes the rest and waits for all of it.
  void finish();

 private:
  struct Block {
    DiskBuffer memory{kStreamBlockBytes};
    std::size_t size = 0;
  };
  void run(AtomicFile& file);
  void hand_over();

  BlockQueue<Block> empty_, full_;
  std::optional<Block> filling_;
  std::thread thread_;
};

}  // namespace espalier
