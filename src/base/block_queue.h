#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

namespace espalier {

/// Hands blocks of memory from one thread to another, in order. Two of them, one for full and one for empty
/// blocks, let a number of blocks circulate between who fills and who empties them.
template <typename Block>
class BlockQueue {
 public:
  void push(Block block) {
    const std::lock_guard lock(mutex_);
    blocks_.push_back(std::move(block));
    changed_.notify_one();
  }

  /// Waits for a block; none once the queue is closed and empty. Throws what `fail` was given.
  std::optional<Block> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !blocks_.empty() || closed_; });
    if (error_) std::rethrow_exception(error_);
    if (blocks_.empty()) return std::nullopt;
    std::optional<Block> block(std::move(blocks_.front()));
    blocks_.pop_front();
    return block;
  }

  /// No block will follow.
  void close() { fail(nullptr); }

  /// No block will follow, because of an error that whoever waits shall see.
  void fail(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    if (error) error_ = std::move(error);
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> blocks_;
  bool closed_ = false;
  std::exception_ptr error_;
};

}  // namespace espalier
