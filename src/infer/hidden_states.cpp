#include "infer/hidden_states.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "base/buffer.h"
#include "base/error.h"
#include "base/files.h"
#include "base/mapped_range.h"
#include "base/memory_limit.h"
#include "checkpoint/mapped_file.h"

namespace espalier::infer {
namespace {

/// A file of `size` bytes whose room on the disk is taken: writing to the mapping cannot fail later.
int open_sized(const std::filesystem::path& file, std::size_t size) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  const int error = descriptor < 0 ? errno : posix_fallocate(descriptor, 0, static_cast<off_t>(size));
  if (error == 0 && ::ftruncate(descriptor, static_cast<off_t>(size)) == 0) return descriptor;
  if (descriptor >= 0) ::close(descriptor);
  throw UserError(fmt::format("{}: cannot take {} bytes for hidden states: {}", file.string(), size,
                              std::strerror(error == 0 ? errno : error)),
                  "free space there, choose another --out, fewer --samples, or a larger --max-memory");
}

}  // namespace

struct HiddenStates::Storage {
  Buffer<float> memory;
  std::span<std::byte> bytes;
  bool mapped = false;
  MappedRange range;

  explicit Storage(std::size_t size) : memory(static_cast<std::int64_t>((size + 3) / 4)) {
    bytes = std::as_writable_bytes(memory.span()).first(size);
  }
  Storage(std::size_t size, const std::filesystem::path& file) : mapped(true) {
    if (size == 0) return;
    const int descriptor = open_sized(file, size);
    void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    ::close(descriptor);
    if (address == MAP_FAILED)
      throw UserError(fmt::format("{}: cannot map {} bytes", file.string(), size),
                      "a shorter --seq-len or fewer --samples need less");
    bytes = {static_cast<std::byte*>(address), size};
    range = MappedRange(file, bytes);
  }
  ~Storage() {
    range = MappedRange();
    if (mapped && !bytes.empty()) munmap(bytes.data(), bytes.size());
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  /// Pages go out of resident memory; the system writes them to the file.
  void let_go(std::size_t begin, std::size_t size) const {
    if (!mapped) return;
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t first = begin / page * page, last = (begin + size) / page * page;
    if (first < last) madvise(bytes.data() + first, last - first, MADV_DONTNEED);
  }
};

HiddenStates::HiddenStates(std::int64_t tokens, std::int64_t width, Dtype dtype)
    : tokens_(tokens), width_(width), dtype_(dtype) {
  const std::uint64_t bytes = hidden_bytes(tokens, width, dtype);
  expect_memory(bytes, fmt::format("The hidden states of {} tokens", tokens),
                "--max-memory keeps them in files, --hidden-dtype bf16 halves them");
  storage_ = std::make_unique<Storage>(bytes);
}

HiddenStates::HiddenStates(std::int64_t tokens, std::int64_t width, Dtype dtype,
                           const std::filesystem::path& file)
    : tokens_(tokens),
      width_(width),
      dtype_(dtype),
      storage_(std::make_unique<Storage>(hidden_bytes(tokens, width, dtype), file)) {}

HiddenStates::HiddenStates(HiddenStates&&) noexcept = default;
HiddenStates& HiddenStates::operator=(HiddenStates&&) noexcept = default;
HiddenStates::~HiddenStates() = default;

bool HiddenStates::in_file() const {
  return storage_->mapped;
}

std::size_t HiddenStates::offset(std::int64_t token) const {
  return hidden_bytes(token, width_, dtype_);
}

void HiddenStates::load(std::int64_t first, std::int64_t count, float* to) const {
  const auto from = storage_->bytes.subspan(offset(first), offset(count));
  to_float32(dtype_, from, {to, static_cast<std::size_t>(count * width_)});
  storage_->let_go(offset(first), offset(count));
}

void HiddenStates::store(std::int64_t first, std::int64_t count, const float* from) {
  const auto to = storage_->bytes.subspan(offset(first), offset(count));
  from_float32(dtype_, {from, static_cast<std::size_t>(count * width_)}, to);
  storage_->let_go(offset(first), offset(count));
}

float* HiddenStates::in_place(std::int64_t first) {
  if (in_file() || dtype_ != Dtype::kF32) return nullptr;
  return storage_->memory.data() + first * width_;
}

void HiddenStates::save(const std::filesystem::path& file) const {
  AtomicFile out(file);
  out.reserve(storage_->bytes.size());
  out.write(storage_->bytes);
  out.commit();
}

void HiddenStates::restore(const std::filesystem::path& file) {
  const MappedFile saved(file);
  if (saved.bytes().size() != storage_->bytes.size())
    throw UserError(
        fmt::format("{}: {} bytes, expected {}", file.string(), saved.bytes().size(), storage_->bytes.size()),
        "leave out --resume to start again");
  std::memcpy(storage_->bytes.data(), saved.bytes().data(), saved.bytes().size());
}

std::uint64_t hidden_bytes(std::int64_t tokens, std::int64_t width, Dtype dtype) {
  return static_cast<std::uint64_t>(tokens) * static_cast<std::uint64_t>(width) * size_bytes(dtype);
}

}  // namespace espalier::infer
