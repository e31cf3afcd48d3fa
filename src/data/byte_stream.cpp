#include "data/byte_stream.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/error.h"

namespace espalier {
namespace {

constexpr std::size_t kReadBytes = 1 << 17;
constexpr std::size_t kPeekBytes =
    512;                              // the first `read` gives as many, so that readers can tell what it is
constexpr int kGzipWindow = 15 + 16;  // zlib: largest window, gzip header

[[noreturn]] void damaged(const std::string& file, std::string_view format, std::string_view problem) {
  throw UserError(fmt::format("{}: {} data: {}", file, format, problem),
                  "download or compress the file again");
}

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(const std::filesystem::path& file) : source_(file) {}

  std::string_view peek(std::size_t bytes) { return source_.peek(bytes); }
  std::size_t read(std::span<char> into) override { return source_.read(into); }
  std::uint64_t disk_bytes_read() const override { return source_.bytes_read(); }

 private:
  ByteSource source_;
};

// Refills a buffer of compressed bytes.
class CompressedInput {
 public:
  explicit CompressedInput(std::unique_ptr<ByteStream> raw) : raw_(std::move(raw)), buffer_(kReadBytes) {}
  std::span<char> next() { return std::span(buffer_).first(raw_->read(buffer_)); }
  std::uint64_t disk_bytes_read() const { return raw_->disk_bytes_read(); }

 private:
  std::unique_ptr<ByteStream> raw_;
  std::vector<char> buffer_;
};

class GzipStream final : public ByteStream {
 public:
  GzipStream(std::unique_ptr<ByteStream> raw, std::string name)
      : input_(std::move(raw)), name_(std::move(name)) {
    if (inflateInit2(&stream_, kGzipWindow) != Z_OK) throw InternalError("zlib cannot start");
  }
  ~GzipStream() override { inflateEnd(&stream_); }

  std::size_t read(std::span<char> into) override {
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(into.size());
    while (stream_.avail_out == into.size() && refill()) inflate_some();
    return into.size() - stream_.avail_out;
  }
  std::uint64_t disk_bytes_read() const override { return input_.disk_bytes_read() - stream_.avail_in; }

 private:
  bool refill() {
    if (stream_.avail_in > 0) return true;
    const auto bytes = input_.next();
    stream_.next_in = reinterpret_cast<Bytef*>(bytes.data());
    stream_.avail_in = static_cast<uInt>(bytes.size());
    if (bytes.empty() && inside_member_) damaged(name_, "gzip", "the file is cut short");
    return !bytes.empty();
  }
  void inflate_some() {
    inside_member_ = true;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      inside_member_ = false;
      inflateReset(&stream_);  // members may follow one another
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      damaged(name_, "gzip", stream_.msg ? stream_.msg : "not readable");
    }
  }

  CompressedInput input_;
  std::string name_;
  z_stream stream_{};
  bool inside_member_ = false;
};

class ZstdStream final : public ByteStream {
 public:
  ZstdStream(std::unique_ptr<ByteStream> raw, std::string name)
      : input_(std::move(raw)), name_(std::move(name)), stream_(ZSTD_createDStream(), &ZSTD_freeDStream) {
    if (!stream_) throw InternalError("zstd cannot start");
  }

  std::size_t read(std::span<char> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos == 0 && (flushing_ || refill())) {
      const std::size_t result = ZSTD_decompressStream(stream_.get(), &out, &in_);
      if (ZSTD_isError(result)) damaged(name_, "Zstandard", ZSTD_getErrorName(result));
      inside_frame_ = result != 0;
      flushing_ = inside_frame_ && out.pos == out.size;  // more may wait inside the decoder
    }
    return out.pos;
  }
  std::uint64_t disk_bytes_read() const override { return input_.disk_bytes_read() - (in_.size - in_.pos); }

 private:
  bool refill() {
    if (in_.pos < in_.size) return true;
    const auto bytes = input_.next();
    in_ = {bytes.data(), bytes.size(), 0};
    if (bytes.empty() && inside_frame_) damaged(name_, "Zstandard", "the file is cut short");
    return !bytes.empty();
  }

  CompressedInput input_;
  std::string name_;
  std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool inside_frame_ = false;
  bool flushing_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> ByteStream::open(const std::filesystem::path& file) {
  const std::string name = file.string();
  auto plain = std::make_unique<PlainStream>(file);
  const std::string_view begin = plain->peek(kPeekBytes);
  if (begin.starts_with("\x1F\x8B")) return std::make_unique<GzipStream>(std::move(plain), name);
  if (begin.starts_with("\x28\xB5\x2F\xFD")) return std::make_unique<ZstdStream>(std::move(plain), name);
  return plain;
}

}  // namespace espalier
