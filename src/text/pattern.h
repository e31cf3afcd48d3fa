#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pcre2_real_code_8;

namespace espalier {

/// A regular expression over UTF-8 in the dialect of Oniguruma, which published tokenizers are made with, run
/// by PCRE2 (translated by `translate_pattern`; compiled to machine code where the system allows that). The
/// leftmost match is found, alternatives in the order in which they are written. Work is bounded: a hostile
/// expression ends in a UserError, not in a night or a full stack. Safe for several threads at once.
class Pattern {
 public:
  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  /// Throws UserError beginning with `where` for what is not known (see `translate_pattern`) or too large.
  Pattern(std::string_view expression, std::string where);

  /// The first non-empty match at or after byte `from` of well-formed UTF-8.
  std::optional<Match> find(std::string_view text, std::size_t from) const;

 private:
  std::optional<Match> find_step_by_step(std::string_view text, std::size_t from) const;

  std::string where_;
  std::shared_ptr<const pcre2_real_code_8> code_;
};

}  // namespace espalier
