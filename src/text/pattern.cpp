#include "text/pattern.h"

#include <fmt/format.h>

#include "base/error.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::size_t kNoMatch = static_cast<std::size_t>(-1);
constexpr std::size_t kMaxNodes = 20'000;
constexpr int kMaxDepth = 5'000;  // frames of about 150 bytes
constexpr std::uint64_t kStepsPerByte = 64, kFreeSteps = 1'000'000;

std::size_t character_before(std::string_view text, std::size_t at) {
  do {
    --at;
  } while ((static_cast<std::uint8_t>(text[at]) & 0xC0u) == 0x80u);
  return at;
}

}  // namespace

Pattern::FirstBytes Pattern::FirstBytes::all() {
  FirstBytes first;
  first.may.fill(true);
  return first;
}

void Pattern::FirstBytes::add(const FirstBytes& other) {
  for (std::size_t i = 0; i < may.size(); ++i) may[i] |= other.may[i];
}

Pattern::FirstBytes Pattern::first_of_set(const CharacterSet& set) const {
  FirstBytes first;
  for (std::uint32_t c = 0; c < 128; ++c) first.may[c] = set.contains_ascii(c);
  first.may[128] = set.has_others();
  return first;
}

Pattern::Pattern(std::string_view expression, std::string where) : where_(std::move(where)) {
  ParsedPattern parsed = parse_pattern(expression, where_);
  sets_ = std::move(parsed.sets);
  Node accept;
  accept.first = FirstBytes::all();
  add(std::move(accept));
  start_ = compile(parsed.tree, 0);
}

std::uint32_t Pattern::add(Node node) {
  if (nodes_.size() >= kMaxNodes) {
    throw UserError(fmt::format("{}: the expression is too large", where_),
                    "its counts multiply to more than 20,000 steps");
  }
  nodes_.push_back(std::move(node));
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

// Backwards, so that what follows is known: a node's first bytes are those of the whole rest.
std::uint32_t Pattern::compile(const PatternTree& tree, std::uint32_t next) {
  using Tree = PatternTree::Kind;
  switch (tree.kind) {
    case Tree::kSet:
      return compile_run(tree, next);
    case Tree::kSequence:
      for (auto part = tree.parts.rbegin(); part != tree.parts.rend(); ++part) next = compile(*part, next);
      return next;
    case Tree::kAlternation: {
      std::vector<std::uint32_t> branches;
      for (const PatternTree& part : tree.parts) branches.push_back(compile(part, next));
      return branch(std::move(branches));
    }
    case Tree::kRepeat:
      return compile_repeat(tree, next);
    default:
      break;
  }
  Node node;
  node.next = next;
  node.first = FirstBytes::all();
  node.kind = tree.kind == Tree::kLookAhead   ? Kind::kLookAhead
              : tree.kind == Tree::kNotAhead  ? Kind::kNotAhead
              : tree.kind == Tree::kLineStart ? Kind::kStart
                                              : Kind::kEnd;
  if (!tree.parts.empty()) node.body = compile(tree.parts.front(), 0);
  return add(std::move(node));
}

std::uint32_t Pattern::branch(std::vector<std::uint32_t> branches) {
  Node node;
  node.kind = Kind::kBranch;
  for (const std::uint32_t to : branches) node.first.add(nodes_[to].first);
  node.branches = std::move(branches);
  return add(std::move(node));
}

// One set, by itself or repeated: the common case needs no recursion.
std::uint32_t Pattern::compile_run(const PatternTree& tree, std::uint32_t next) {
  const bool repeated = tree.kind == PatternTree::Kind::kRepeat;
  const PatternTree& item = repeated ? tree.parts.front() : tree;
  Node node;
  node.kind = repeated ? Kind::kRun : Kind::kSet;
  node.min = tree.min;
  node.max = tree.max;
  node.greed = tree.greed;
  node.next = next;
  node.set = item.set;
  node.first = first_of_set(sets_[item.set]);
  if (tree.min == 0) node.first.add(nodes_[next].first);
  return add(std::move(node));
}

std::uint32_t Pattern::compile_repeat(const PatternTree& tree, std::uint32_t next) {
  const PatternTree& body = tree.parts.front();
  if (body.kind == PatternTree::Kind::kSet) return compile_run(tree, next);
  if (tree.greed == PatternTree::Greed::kPossessive) {
    throw UserError(fmt::format("{}: the expression has a possessive group", where_),
                    "possessive quantifiers are known for single characters and classes");
  }
  const bool lazy = tree.greed == PatternTree::Greed::kLazy;
  std::uint32_t entry = next;
  if (tree.max == PatternTree::kUnlimited) {
    entry = compile_loop(body, tree.greed, next);
  } else {
    for (std::uint32_t i = tree.min; i < tree.max; ++i) {
      const std::uint32_t once = compile(body, entry);
      entry = lazy ? branch({next, once}) : branch({once, next});
    }
  }
  for (std::uint32_t i = 0; i < tree.min; ++i) entry = compile(body, entry);
  return entry;
}

std::uint32_t Pattern::compile_loop(const PatternTree& body, PatternTree::Greed greed, std::uint32_t next) {
  Node node;
  node.kind = Kind::kLoop;
  node.greed = greed;
  node.next = next;
  node.loop = loops_++;
  node.first = FirstBytes::all();
  const std::uint32_t loop = add(std::move(node));
  const std::uint32_t entry = compile(body, loop);
  nodes_[loop].body = entry;
  return loop;
}

/// One search. `match` returns the end of the match from `node` on, or kNoMatch.
struct Pattern::Run {
  const Pattern& pattern;
  std::string_view text;
  std::uint64_t steps_left;
  std::vector<std::size_t> loop_entry;  // where a loop's last round began
  int depth = 0;

  [[noreturn]] void give_up() const {
    throw UserError(fmt::format("{}: the expression takes too long on this text", pattern.where_),
                    "an expression of a published tokenizer takes a few steps a character");
  }

  // Bytes of the code point at `at` if it is in the set, else 0.
  std::size_t taken(const CharacterSet& set, std::size_t at) const {
    if (at >= text.size()) return 0;
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (byte < 128) return set.contains_ascii(byte) ? 1 : 0;
    const auto step = decode_utf8(text, at);
    return set.contains(step.code_point) ? step.bytes : 0;
  }

  std::size_t match_run(const Node& node, std::size_t at) {
    const CharacterSet& set = pattern.sets_[node.set];
    const bool lazy = node.greed == PatternTree::Greed::kLazy;
    std::uint32_t count = 0;
    std::size_t end = at;
    for (; count < (lazy ? node.min : node.max); ++count) {
      const std::size_t bytes = taken(set, end);
      if (bytes == 0) break;
      end += bytes;
    }
    spend(count);
    if (count < node.min) return kNoMatch;
    if (node.greed == PatternTree::Greed::kPossessive) return match(node.next, end);
    for (;;) {
      const std::size_t found = match(node.next, end);
      if (found != kNoMatch) return found;
      if (lazy) {
        const std::size_t bytes = count < node.max ? taken(set, end) : 0;
        if (bytes == 0) return kNoMatch;
        end += bytes;
        ++count;
      } else {
        if (count-- == node.min) return kNoMatch;
        end = character_before(text, end);
      }
    }
  }

  std::size_t match_loop(const Node& node, std::size_t at) {
    std::size_t& entry = loop_entry[node.loop];
    const std::size_t before = entry;
    const bool lazy = node.greed == PatternTree::Greed::kLazy;
    std::size_t found = lazy ? match(node.next, at) : kNoMatch;
    if (found == kNoMatch && before != at) {  // a round that took nothing is the last
      entry = at;
      found = match(node.body, at);
      loop_entry[node.loop] = before;
    }
    return found == kNoMatch && !lazy ? match(node.next, at) : found;
  }

  std::size_t match_branch(const Node& node, std::size_t at) {
    for (const std::uint32_t to : node.branches) {
      const bool may =
          at == text.size() || pattern.nodes_[to].first.allows(static_cast<std::uint8_t>(text[at]));
      if (!may) continue;
      const std::size_t found = match(to, at);
      if (found != kNoMatch) return found;
    }
    return kNoMatch;
  }

  void spend(std::uint64_t steps) {
    if (steps_left < steps) give_up();
    steps_left -= steps;
  }

  std::size_t match(std::uint32_t to, std::size_t at) {
    if (to == 0) return at;
    if (++depth > kMaxDepth) give_up();
    spend(1);
    const std::size_t found = match_node(pattern.nodes_[to], at);
    --depth;
    return found;
  }

  std::size_t match_node(const Node& node, std::size_t at) {
    switch (node.kind) {
      case Kind::kAccept:
        return at;
      case Kind::kSet: {
        const std::size_t bytes = taken(pattern.sets_[node.set], at);
        return bytes == 0 ? kNoMatch : match(node.next, at + bytes);
      }
      case Kind::kRun:
        return match_run(node, at);
      case Kind::kBranch:
        return match_branch(node, at);
      case Kind::kLoop:
        return match_loop(node, at);
      case Kind::kLookAhead:
        return match(node.body, at) == kNoMatch ? kNoMatch : match(node.next, at);
      case Kind::kNotAhead:
        return match(node.body, at) == kNoMatch ? match(node.next, at) : kNoMatch;
      case Kind::kStart:
        return at == 0 || text[at - 1] == '\n' ? match(node.next, at) : kNoMatch;
      case Kind::kEnd:
        return at == text.size() || text[at] == '\n' ? match(node.next, at) : kNoMatch;
    }
    return kNoMatch;
  }
};

std::optional<Pattern::Match> Pattern::find(std::string_view text, std::size_t from) const {
  Run run{*this, text, kFreeSteps + kStepsPerByte * text.size(), std::vector<std::size_t>(loops_, kNoMatch)};
  const FirstBytes& first = nodes_[start_].first;
  while (from < text.size()) {
    const auto byte = static_cast<std::uint8_t>(text[from]);
    if (first.allows(byte)) {
      const std::size_t end = run.match(start_, from);
      if (end != kNoMatch && end > from) return Match{from, end};
    }
    from += byte < 128 ? 1 : decode_utf8(text, from).bytes;
  }
  return std::nullopt;
}

}  // namespace espalier
