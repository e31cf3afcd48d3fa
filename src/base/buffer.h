#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace espalier {

/// `size` numbers in memory of their own, aligned to a cache line and not cleared. Has no shape: who owns one
/// says in a comment what it holds.
template <typename T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  static constexpr std::size_t kAlignment = 64;  // bytes: a cache line, and a vector of 512 bits

  Buffer() = default;
  /// Throws std::bad_alloc.
  explicit Buffer(std::int64_t size) : data_(allocate(size)), size_(size) {}
  Buffer(Buffer&& other) noexcept : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::int64_t i) { return data_[i]; }
  const T& operator[](std::int64_t i) const { return data_[i]; }
  std::span<T> span() { return {data(), static_cast<std::size_t>(size_)}; }
  std::span<const T> span() const { return {data(), static_cast<std::size_t>(size_)}; }
  void fill(T value) { std::fill_n(data(), size_, value); }

  /// Room for at least `size` numbers, for use after use: what was there is lost where it has to grow.
  T* room(std::int64_t size) {
    if (size > size_) {
      *this = Buffer();
      *this = Buffer(size);
    }
    return data();
  }

 private:
  struct Free {
    void operator()(T* memory) const { std::free(memory); }
  };
  using Memory = std::unique_ptr<T[], Free>;

  static Memory allocate(std::int64_t size) {
    if (size <= 0) return {};
    const auto bytes = static_cast<std::size_t>(size) * sizeof(T);
    void* memory = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
    if (memory == nullptr) throw std::bad_alloc();
    return Memory(static_cast<T*>(memory));
  }

  Memory data_;
  std::int64_t size_ = 0;
};

}  // namespace espalier
