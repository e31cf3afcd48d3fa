#include "base/hash.h"

#include <nettle/sha2.h>

#include <array>
#include <cstring>
#include <new>

namespace espalier {
namespace {

sha256_ctx* context(std::byte* state) {
  return std::launder(reinterpret_cast<sha256_ctx*>(state));
}

}  // namespace

std::uint64_t content_sum(std::span<const std::byte> bytes, std::uint64_t before) {
  constexpr std::uint64_t kPrime = 0x9E3779B185EBCA87;
  constexpr std::size_t kLanes = 8,
                        kBlock = kLanes * sizeof(std::uint64_t);  // enough to keep the multiplier busy
  const auto mixed = [](std::uint64_t sum, std::uint64_t word) {
    sum = (sum ^ word) * kPrime;
    return sum ^ (sum >> 32);
  };
  std::array<std::uint64_t, kLanes> sums{}, words{};
  for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] = before + lane;
  std::size_t at = 0;
  for (; at + kBlock <= bytes.size(); at += kBlock) {
    std::memcpy(words.data(), bytes.data() + at, kBlock);
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] = mixed(sums[lane], words[lane]);
  }
  std::uint64_t sum = mixed(before, bytes.size());
  for (const std::uint64_t lane : sums) sum = mixed(sum, lane);
  for (; at < bytes.size(); ++at) sum = mixed(sum, static_cast<std::uint64_t>(bytes[at]) + 1);
  return sum;
}

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
