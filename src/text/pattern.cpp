#include "text/pattern.h"

#include <fmt/format.h>

#include "base/error.h"
#include "text/pattern_syntax.h"
#include "text/pcre2.h"
#include "text/utf8.h"

namespace espalier {
namespace {

using Match = Pattern::Match;

// Steps from one place of a text (PCRE2 counts what it goes back on), which an expression of a published
// tokenizer does not come near; beyond them, steps in one search.
constexpr std::uint32_t kStepsPerPlace = 1'000;
constexpr std::uint64_t kStepsPerByte = 64, kFreeSteps = 1'000'000;
constexpr std::uint32_t kHeapKibibytes = 65'536;

struct MatchContext {
  explicit MatchContext(std::uint32_t steps) {
    if (!context) throw InternalError("PCRE2 has no memory");
    pcre2_set_match_limit(context.get(), steps);
    pcre2_set_heap_limit(context.get(), kHeapKibibytes);
  }
  Pcre2<pcre2_match_context, pcre2_match_context_free> context{pcre2_match_context_create(nullptr)};
};

struct Attempt {
  std::optional<Match> match;
  bool too_long = false;  // gave up: nothing is known
};

Attempt attempt(const pcre2_code& code, std::string_view text, std::size_t from, std::uint32_t options,
                const MatchContext& limits) {
  thread_local const Pcre2<pcre2_match_data, pcre2_match_data_free> data(pcre2_match_data_create(1, nullptr));
  if (!data) throw InternalError("PCRE2 has no memory");
  const int found =
      pcre2_match(&code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                  options | PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, data.get(), limits.context.get());
  if (found >= 0) {
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    return {Match{ends[0], ends[1]}};
  }
  switch (found) {
    case PCRE2_ERROR_NOMATCH:
      return {};
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_JIT_STACKLIMIT:
      return {std::nullopt, true};
    default:
      throw InternalError(fmt::format("PCRE2 cannot match: {}", pcre2_message(found)));
  }
}

}  // namespace

Pattern::Pattern(std::string_view expression, std::string where) : where_(std::move(where)) {
  const std::string translated = translate_pattern(expression, where_);
  std::string error;
  auto code = compile_pcre2(translated, error);
  if (!code) {
    throw UserError(fmt::format("{}: expression \"{}\": {}", where_, expression.substr(0, 120), error),
                    "correct the regular expression in the tokenizer");
  }
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // where it may not, the code is interpreted
  code_ = std::move(code);
}

std::optional<Match> Pattern::find(std::string_view text, std::size_t from) const {
  static const MatchContext limits(kStepsPerPlace);
  if (from >= text.size()) return std::nullopt;
  const Attempt all = attempt(*code_, text, from, 0, limits);
  return all.too_long ? find_step_by_step(text, from) : all.match;
}

// Each place by itself, with as many steps as it takes; all places together have one budget.
std::optional<Match> Pattern::find_step_by_step(std::string_view text, std::size_t from) const {
  std::uint64_t budget = kFreeSteps + kStepsPerByte * text.size();
  for (; from < text.size(); from += decode_utf8(text, from).bytes) {
    std::uint32_t steps = kStepsPerPlace;
    Attempt here = attempt(*code_, text, from, PCRE2_ANCHORED, MatchContext(steps));
    for (; here.too_long; here = attempt(*code_, text, from, PCRE2_ANCHORED, MatchContext(steps))) {
      if (budget < steps) {
        throw UserError(fmt::format("{}: the expression takes too long on this text", where_),
                        "an expression of a published tokenizer takes a few steps a character");
      }
      budget -= steps;
      if (steps < UINT32_MAX / 2) steps *= 2;
    }
    if (here.match) return here.match;
  }
  return std::nullopt;
}

}  // namespace espalier
