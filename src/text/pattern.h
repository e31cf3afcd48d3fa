#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/character_set.h"
#include "text/pattern_syntax.h"

namespace espalier {

/// A regular expression over UTF-8 that finds the leftmost match, alternatives in the order in which they are
/// written (as Oniguruma, which published tokenizers are made with). Work is bounded: a hostile expression
/// ends in a UserError, not in a night or a full stack.
class Pattern {
 public:
  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  /// Throws UserError beginning with `where` (see `parse_pattern`).
  Pattern(std::string_view expression, std::string where);

  /// The first non-empty match at or after byte `from` of well-formed UTF-8.
  std::optional<Match> find(std::string_view text, std::size_t from) const;

 private:
  enum class Kind : std::uint8_t { kAccept, kSet, kRun, kBranch, kLoop, kLookAhead, kNotAhead, kStart, kEnd };
  /// Which bytes a match from here on can begin with; all those past ASCII are one.
  struct FirstBytes {
    std::array<bool, 129> may{};
    bool allows(std::uint8_t byte) const { return may[byte < 128 ? byte : 128]; }
    static FirstBytes all();
    void add(const FirstBytes& other);
  };
  struct Node {
    Kind kind = Kind::kAccept;
    PatternTree::Greed greed = PatternTree::Greed::kGreedy;
    std::uint32_t next = 0;
    std::uint32_t set = 0;             // kSet, kRun
    std::uint32_t min = 1, max = 1;    // kRun
    std::uint32_t body = 0, loop = 0;  // kLoop; the look-aheads' body
    std::vector<std::uint32_t> branches;
    FirstBytes first;
  };
  struct Run;

  std::uint32_t add(Node node);
  std::uint32_t compile(const PatternTree& tree, std::uint32_t next);
  std::uint32_t compile_repeat(const PatternTree& tree, std::uint32_t next);
  std::uint32_t compile_run(const PatternTree& tree, std::uint32_t next);
  std::uint32_t compile_loop(const PatternTree& body, PatternTree::Greed greed, std::uint32_t next);
  std::uint32_t branch(std::vector<std::uint32_t> branches);
  FirstBytes first_of_set(const CharacterSet& set) const;

  std::string where_;
  std::vector<Node> nodes_;  // [0] accepts
  std::vector<CharacterSet> sets_;
  std::uint32_t start_ = 0;
  std::uint32_t loops_ = 0;
};

}  // namespace espalier
