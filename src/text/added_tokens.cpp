#include "text/added_tokens.h"

#include <algorithm>

#include "text/unicode.h"
#include "text/utf8.h"

namespace espalier {
namespace {

std::size_t character_before(std::string_view text, std::size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<std::uint8_t>(text[at]) & 0xC0u) == 0x80u);
  return at;
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  const bool word_before =
      begin > 0 && is_word_character(decode_utf8(text, character_before(text, begin)).code_point);
  const bool word_after = end < text.size() && is_word_character(decode_utf8(text, end).code_point);
  return !word_before && !word_after;
}

std::size_t space_before(std::string_view text, std::size_t begin, std::size_t lowest) {
  while (begin > lowest) {
    const std::size_t before = character_before(text, begin);
    if (!is_white_space(decode_utf8(text, before).code_point)) break;
    begin = before;
  }
  return begin;
}

std::size_t space_after(std::string_view text, std::size_t end) {
  while (end < text.size()) {
    const auto step = decode_utf8(text, end);
    if (!is_white_space(step.code_point)) break;
    end += step.bytes;
  }
  return end;
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(std::span<const AddedToken> tokens)
    : tokens_(tokens.begin(), tokens.end()), nodes_(1) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (!tokens_[i].content.empty()) insert(tokens_[i].content, static_cast<std::int32_t>(i));
  }
}

void AddedTokenFinder::insert(std::string_view content, std::int32_t token) {
  begins_[static_cast<std::uint8_t>(content.front())] = true;
  std::uint32_t node = 0;
  for (const char c : content) {
    const auto byte = static_cast<std::uint8_t>(c);
    auto& next = nodes_[node].next;
    const auto found =
        std::find_if(next.begin(), next.end(), [&](const auto& to) { return to.first == byte; });
    if (found != next.end()) {
      node = found->second;
      continue;
    }
    const auto made = static_cast<std::uint32_t>(nodes_.size());
    next.emplace_back(byte, made);
    nodes_.emplace_back();
    node = made;
  }
  nodes_[node].token = token;
}

std::int32_t AddedTokenFinder::longest_at(std::string_view text, std::size_t at) const {
  std::int32_t longest = -1;
  std::uint32_t node = 0;
  for (; at < text.size(); ++at) {
    const auto& next = nodes_[node].next;
    const auto byte = static_cast<std::uint8_t>(text[at]);
    const auto found =
        std::find_if(next.begin(), next.end(), [&](const auto& to) { return to.first == byte; });
    if (found == next.end()) break;
    node = found->second;
    if (nodes_[node].token >= 0) longest = nodes_[node].token;
  }
  return longest;
}

std::vector<AddedTokenFinder::Segment> AddedTokenFinder::split(std::string_view text) const {
  std::vector<Segment> segments;
  std::size_t done = 0;  // what is in segments already
  for (std::size_t at = 0; at < text.size();) {
    const std::int32_t found = begins_[static_cast<std::uint8_t>(text[at])] ? longest_at(text, at) : -1;
    if (found < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<std::size_t>(found)];
    std::size_t begin = at, end = at + token.content.size();
    at = end;
    if (token.single_word && !stands_alone(text, begin, end)) continue;
    if (token.takes_left && begin > done) begin = space_before(text, begin, done);
    if (token.takes_right) end = space_after(text, end);
    if (begin > done) segments.push_back({text.substr(done, begin - done), std::nullopt});
    segments.push_back({text.substr(begin, end - begin), token.id});
    done = end;
  }
  if (done < text.size()) segments.push_back({text.substr(done), std::nullopt});
  return segments;
}

}  // namespace espalier
