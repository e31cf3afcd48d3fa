#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/character_set.h"

namespace espalier {

/// A regular expression as a tree, in the dialect of Oniguruma as far as tokenizers use it.
struct PatternTree {
  enum class Kind {
    kSet,          ///< one code point of the set with number `set`
    kSequence,     ///< of `parts`
    kAlternation,  ///< the first of `parts` that leads to a match
    kRepeat,       ///< parts[0], `min` to `max` times
    kLookAhead,    ///< parts[0] follows, and is not taken
    kNotAhead,     ///< parts[0] does not follow
    kLineStart,
    kLineEnd
  };
  enum class Greed {
    kGreedy,     ///< as often as possible, then less often
    kLazy,       ///< as seldom as possible
    kPossessive  ///< as often as possible, and no less
  };
  static constexpr std::uint32_t kUnlimited = 0xFFFFFFFFu;

  Kind kind = Kind::kSequence;
  std::vector<PatternTree> parts;
  std::uint32_t set = 0;
  std::uint32_t min = 1, max = 1;
  Greed greed = Greed::kGreedy;
};

struct ParsedPattern {
  PatternTree tree;
  std::vector<CharacterSet> sets;
};

/// Literals, classes (nested, `&&`, properties by Unicode's names), groups, (?i:..), look-ahead, quantifiers,
/// `^ $`. Throws UserError beginning with `where` that names what is not known or not closed.
ParsedPattern parse_pattern(std::string_view pattern, std::string_view where);

}  // namespace espalier
