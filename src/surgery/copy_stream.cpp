#include "surgery/copy_stream.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace espalier {
namespace {

constexpr int kBlocks = 3;  // one is filled, one emptied, one on its way

}  // namespace

CopyStream::CopyStream(const Inputs& inputs, std::vector<ByteRange> ranges) {
  for (int i = 0; i < kBlocks; ++i) empty_.push({});
  thread_ = std::thread([this, &inputs, ranges = std::move(ranges)] {
    try {
      run(inputs, ranges);
      full_.close();
    } catch (...) {
      full_.fail(std::current_exception());
    }
  });
}

CopyStream::~CopyStream() {
  empty_.close();
  shown_.reset();
  thread_.join();
}

std::span<const std::byte> CopyStream::next() {
  if (shown_) empty_.push(*std::exchange(shown_, std::nullopt));
  shown_ = full_.pop();
  return shown_ ? shown_->content : std::span<const std::byte>();
}

void CopyStream::run(const Inputs& inputs, const std::vector<ByteRange>& ranges) {
  std::map<std::size_t, UncachedReader> readers;
  for (const ByteRange& range : ranges) {
    UncachedReader& reader = readers.try_emplace(range.file, inputs[range.file]).first->second;
    for (std::uint64_t done = 0; done < range.bytes;) {
      auto block = empty_.pop();
      if (!block) return;
      const auto step = std::min<std::uint64_t>(kStreamBlockBytes, range.bytes - done);
      block->content = reader.read(range.begin + done, step, block->memory);
      done += step;
      full_.push(std::move(*block));
    }
  }
}

BlockWriter::BlockWriter(AtomicFile& file) {
  for (int i = 0; i < kBlocks; ++i) empty_.push({});
  file.bypass_cache();
  thread_ = std::thread([this, &file] {
    try {
      run(file);
      empty_.close();
    } catch (...) {
      empty_.fail(std::current_exception());
    }
  });
}

BlockWriter::~BlockWriter() {
  full_.close();
  if (thread_.joinable()) thread_.join();
}

void BlockWriter::run(AtomicFile& file) {
  while (auto block = full_.pop()) {
    file.write(block->memory.bytes().first(block->size));
    block->size = 0;
    empty_.push(std::move(*block));
  }
}

void BlockWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (!filling_) filling_ = empty_.pop();
    const auto room = filling_->memory.bytes().subspan(filling_->size);
    const std::size_t step = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), step);
    filling_->size += step;
    bytes = bytes.subspan(step);
    if (step == room.size()) hand_over();
  }
}

void BlockWriter::hand_over() {
  if (filling_) full_.push(*std::exchange(filling_, std::nullopt));
}

void BlockWriter::finish() {
  hand_over();
  full_.close();
  thread_.join();
  while (empty_.pop()) {
  }  // throws what the thread caught
}

}  // namespace espalier
