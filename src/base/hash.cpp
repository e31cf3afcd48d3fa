#include "base/hash.h"

#include <nettle/sha2.h>

#include <array>
#include <new>

namespace espalier {
namespace {

sha256_ctx* context(std::byte* state) {
  return std::launder(reinterpret_cast<sha256_ctx*>(state));
}

}  // namespace

Sha256::Sha256() {
  static_assert(sizeof(sha256_ctx) <= sizeof(state_) && alignof(sha256_ctx) <= 16);
  sha256_init(new (state_) sha256_ctx);
}

void Sha256::update(std::span<const std::byte> bytes) {
  sha256_update(context(state_), bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

std::string Sha256::hex() {
  std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
  sha256_digest(context(state_), digest.size(), digest.data());
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  return hash.hex();
}

}  // namespace espalier
