#include "text/byte_alphabet.h"

#include <array>

#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::uint32_t kLetters = 0x144;  // one past the last: 256 + 68 bytes that are not printable

constexpr bool stands_for_itself(std::uint32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

constexpr std::array<std::uint32_t, 256> make_letters() {
  std::array<std::uint32_t, 256> letters{};
  std::uint32_t next = 0x100;
  for (std::uint32_t byte = 0; byte < 256; ++byte) letters[byte] = stands_for_itself(byte) ? byte : next++;
  return letters;
}

constexpr auto kLetterOfByte = make_letters();

constexpr std::array<std::int16_t, kLetters> make_bytes() {
  std::array<std::int16_t, kLetters> bytes{};
  bytes.fill(-1);
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    bytes[kLetterOfByte[byte]] = static_cast<std::int16_t>(byte);
  }
  return bytes;
}

constexpr auto kByteOfLetter = make_bytes();

}  // namespace

std::string byte_letter(std::uint8_t byte) {
  std::string letter;
  append_utf8(letter, kLetterOfByte[byte]);
  return letter;
}

std::optional<std::string> spelled_bytes(std::string_view piece) {
  std::string bytes;
  for (std::size_t at = 0; at < piece.size();) {
    const auto step = decode_utf8(piece, at);
    if (!step.valid || step.code_point >= kLetters || kByteOfLetter[step.code_point] < 0) return std::nullopt;
    bytes += static_cast<char>(kByteOfLetter[step.code_point]);
    at += step.bytes;
  }
  return bytes;
}

}  // namespace espalier
