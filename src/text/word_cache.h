#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "base/rng.h"

namespace espalier {

/// Token ids of the words seen last: a direct-mapped table of short words, in fixed memory (2 MiB).
class WordCache {
 public:
  WordCache() : slots_(kSlots) {}

  /// The slot of a word; `holds` tells whether it is this word's.
  struct Slot {
    std::uint8_t bytes = 0;  // 0: empty
    std::uint8_t tokens = 0;
    std::array<char, 22> word{};
    std::array<std::int32_t, 10> ids{};

    bool holds(std::string_view text) const {
      return bytes == text.size() && std::memcmp(word.data(), text.data(), text.size()) == 0;
    }
    std::span<const std::int32_t> tokens_of() const { return {ids.data(), tokens}; }
  };

  /// Null for a word that is too long to be kept.
  Slot* slot(std::string_view word) {
    if (word.empty() || word.size() > Slot{}.word.size()) return nullptr;
    std::array<std::uint64_t, 3> parts{};
    std::memcpy(parts.data(), word.data(), word.size());
    const std::uint64_t hash = mix64(parts[0] ^ mix64(parts[1] ^ mix64(parts[2] ^ word.size())));
    return &slots_[hash % kSlots];
  }

  static void keep(Slot& slot, std::string_view word, std::span<const std::int32_t> ids) {
    if (ids.size() > slot.ids.size()) return;
    slot.bytes = static_cast<std::uint8_t>(word.size());
    slot.tokens = static_cast<std::uint8_t>(ids.size());
    std::memcpy(slot.word.data(), word.data(), word.size());
    std::copy(ids.begin(), ids.end(), slot.ids.begin());
  }

 private:
  static constexpr std::size_t kSlots = 1 << 15;
  std::vector<Slot> slots_;
};

/// Lends a cache to each thread that encodes, and keeps it warm for the next.
class WordCachePool {
 public:
  class Lease {
   public:
    explicit Lease(WordCachePool& pool) : pool_(pool), cache_(pool.take()) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { pool_.give_back(std::move(cache_)); }
    WordCache& operator*() { return *cache_; }

   private:
    WordCachePool& pool_;
    std::unique_ptr<WordCache> cache_;
  };

 private:
  std::unique_ptr<WordCache> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<WordCache>();
    auto cache = std::move(free_.back());
    free_.pop_back();
    return cache;
  }
  void give_back(std::unique_ptr<WordCache> cache) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(cache));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<WordCache>> free_;
};

}  // namespace espalier
