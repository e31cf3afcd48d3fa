#include "base/hash.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

// The examples of FIPS 180-4.
TEST(Hash, Sha256OfKnownTexts) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Hash, PiecesGiveTheHashOfTheWhole) {
  const std::string text(100'000, 'a');
  Sha256 hash;
  for (std::size_t at = 0; at < text.size(); at += 777) {
    hash.update(std::as_bytes(std::span(text).subspan(at, std::min<std::size_t>(777, text.size() - at))));
  }
  EXPECT_EQ(hash.hex(), sha256(text));
}

}  // namespace
}  // namespace espalier
