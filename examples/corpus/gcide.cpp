#include "corpus/gcide.h"

#include <fmt/format.h>

#include <array>
#include <cctype>

#include "base/error.h"
#include "data/byte_stream.h"
#include "text/utf8.h"

namespace espalier::examples {
namespace {

constexpr const char* kInstallHint = "install it with `apt-get install dict-gcide`";
constexpr std::size_t kFewestLetters = 12;  // shorter rests ("See Foot.") teach nothing

// Headings: `Feeler \Feel"er\, n.`, perhaps over several lines while a bracket or parenthesis is open.
bool is_heading(std::string_view line) {
  return !line.empty() && line[0] != ' ';
}

int open_brackets(std::string_view line) {
  int depth = 0;
  for (const char c : line) {
    if (c == '[' || c == '(') ++depth;
    if (c == ']' || c == ')') --depth;
  }
  return depth;
}

std::string headword_of(std::string_view heading) {
  auto word = heading.substr(0, heading.find('\\'));
  if (word.size() == heading.size()) word = heading.substr(0, heading.find_first_of(",([ "));
  return clean_gcide_text(word);
}

struct Mark {
  std::string_view source;  // "1913 Webster", "WordNet 1.5 +PJC"; empty where the block has no mark
  std::size_t begin = 0;    // of its bracket
};

// The mark in a block's last line, wherever it stands there.
Mark mark_of(std::string_view block) {
  const auto open = block.rfind('[');
  if (open == std::string_view::npos) return {};
  const auto close = block.find(']', open);
  if (close == std::string_view::npos) return {};
  const auto after = block.substr(close + 1);
  const auto line_end = after.find('\n');
  if (line_end != std::string_view::npos && line_end + 1 < after.size()) return {};
  const auto mark = block.substr(open + 1, close - open - 1);
  for (const std::string_view source : {"Webster", "WordNet", "PJC", "Century"}) {
    if (mark.find(source) != std::string_view::npos) return {mark, open};
  }
  return {};
}

// "1. ", "2. (Zool.) ", "(a) " in front of a sense.
std::string_view without_number(std::string_view text) {
  while (true) {
    std::size_t digits = 0;
    while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits])) != 0) ++digits;
    if (digits > 0 && text.substr(digits).starts_with(". ")) {
      text.remove_prefix(digits + 2);
    } else if (text.size() > 4 && text[0] == '(' && text[2] == ')' && text[3] == ' ') {
      text.remove_prefix(4);
    } else {
      return text;
    }
  }
}

std::size_t words_in(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n';
    words += !space && !inside;
    inside = !space;
  }
  return words;
}

std::size_t letters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += std::isalpha(static_cast<unsigned char>(c)) != 0;
  return count;
}

// One entry's blocks (between empty lines) until a mark says where they come from.
class EntryBuilder {
 public:
  explicit EntryBuilder(GcideSummary& summary) : summary_(summary) {}

  void begin(std::string_view heading) { entry_.headword = headword_of(heading); }
  void add_line(std::string_view line) {
    block_ += line;
    block_ += '\n';
    // A mark may stand in the middle of what no empty line divides.
    if (!mark_of(block_).source.empty()) end_block();
  }
  void end_block() {
    if (block_.empty()) return;
    const auto mark = mark_of(block_);
    const std::string source(mark.source);
    std::string rest;
    if (!source.empty()) {
      rest = block_.substr(mark.begin + source.size() + 2);
      block_.resize(mark.begin);
    }
    pending_.push_back(std::move(block_));
    // One word behind a mark is the next entry's headword, set early; more is the text going on.
    block_ = words_in(rest) > 2 ? std::move(rest) : std::string();
    if (source.find("WordNet") != std::string::npos) {
      from_wordnet_ = true;
      drop_pending();
    } else if (!source.empty()) {
      keep_pending();
    }
  }
  GcideEntry finish() {
    end_block();
    // Blocks without a mark, in an entry that holds WordNet's, may be WordNet's too.
    if (from_wordnet_) drop_pending();
    keep_pending();
    return std::move(entry_);
  }

 private:
  void drop_pending() {
    summary_.wordnet_blocks += pending_.size();
    pending_.clear();
  }
  void keep_pending() {
    for (const auto& block : pending_) {
      const std::string text = clean_gcide_text(block);
      const auto prose = without_number(text);
      if (letters(prose) >= kFewestLetters) entry_.lines.emplace_back(prose);
    }
    pending_.clear();
  }

  GcideSummary& summary_;
  GcideEntry entry_;
  std::string block_;
  std::vector<std::string> pending_;
  bool from_wordnet_ = false;
};

std::string_view next_line(std::string_view& content) {
  const auto end = content.find('\n');
  const auto line = content.substr(0, end);
  content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
  return line;
}

// Reads the body of an entry up to the next heading, which stays in `content`.
GcideEntry parse_entry(std::string_view heading, std::string_view& content, GcideSummary& summary) {
  EntryBuilder builder(summary);
  builder.begin(heading);
  int open = open_brackets(heading);
  bool in_heading = true;
  while (!content.empty()) {
    auto rest = content;
    const auto line = next_line(rest);
    if (in_heading && !line.empty() && (open > 0 || is_heading(line))) {
      open += open_brackets(line);
    } else if (is_heading(line)) {
      break;
    } else if (line.empty()) {
      in_heading = false;
      builder.end_block();
    } else {
      in_heading = false;
      builder.add_line(line);
    }
    content = rest;
  }
  return builder.finish();
}

}  // namespace

std::vector<GcideEntry> parse_gcide(std::string_view content, GcideSummary* summary) {
  GcideSummary local;
  GcideSummary& counted = summary ? *summary : local;
  std::vector<GcideEntry> entries;
  while (!content.empty()) {
    const auto line = next_line(content);
    if (!is_heading(line)) continue;
    auto entry = parse_entry(line, content, counted);
    // The package's own notices have headings without a pronunciation.
    if (line.find('\\') == std::string_view::npos || entry.lines.empty()) continue;
    entries.push_back(std::move(entry));
  }
  counted.entries = entries.size();
  return entries;
}

std::vector<GcideEntry> read_gcide(const std::filesystem::path& file, GcideSummary* summary) {
  if (!std::filesystem::exists(file)) {
    throw UserError(fmt::format("{}: the dictionary is not there", file.string()), kInstallHint);
  }
  const auto stream = ByteStream::open(file);
  std::string content;
  std::array<char, 1 << 16> buffer;
  while (const std::size_t bytes = stream->read(buffer)) content.append(buffer.data(), bytes);
  auto entries = parse_gcide(replace_invalid_utf8(content), summary);
  if (entries.empty()) throw UserError(fmt::format("{}: there are no entries", file.string()), kInstallHint);
  return entries;
}

}  // namespace espalier::examples
