#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier {

/// A token that is looked for in texts before anything else is done to them ("<|im_start|>").
struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  bool special = false;      ///< left out of decoded texts
  bool normalized = false;   ///< looked for in the normalized text, else in the text as it is
  bool single_word = false;  ///< only where no word character touches it
  bool takes_left = false;   ///< "lstrip": takes the white space before it
  bool takes_right = false;  ///< "rstrip": and after it
};

/// Finds added tokens in a text: the leftmost, of those the longest.
class AddedTokenFinder {
 public:
  /// Tokens with empty content are never found.
  explicit AddedTokenFinder(std::span<const AddedToken> tokens);

  struct Segment {
    std::string_view text;
    std::optional<std::int32_t> id;  ///< of the token; none for text between tokens
  };
  /// The whole text in segments, none empty.
  std::vector<Segment> split(std::string_view text) const;

 private:
  struct Node {
    std::vector<std::pair<std::uint8_t, std::uint32_t>> next;  // by byte; few
    std::int32_t token = -1;                                   // index into tokens_
  };
  void insert(std::string_view content, std::int32_t token);
  std::int32_t longest_at(std::string_view text, std::size_t at) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;
  std::array<bool, 256> begins_{};
};

}  // namespace espalier
