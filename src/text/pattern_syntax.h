#pragma once

#include <string>
#include <string_view>

namespace espalier {

/// An expression in the syntax of PCRE2 that matches what `expression` matches in Oniguruma, as far as
/// tokenizers use it: literals, escapes, classes (nested, `&&`, properties by Unicode's names), groups (none
/// captures),
/// (?i:..), (?i), (?>..), look-ahead, look-behind, quantifiers, `. ^ $ \b \B \A \z \Z`.
///
/// Throws UserError beginning with `where` that names what is not known or not closed.
std::string translate_pattern(std::string_view expression, std::string_view where);

}  // namespace espalier
