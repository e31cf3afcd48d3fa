#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "corpus/gcide.h"
#include "text/utf8.h"

namespace espalier::examples {
namespace {

using Named = std::pair<std::string_view, std::string_view>;

constexpr auto kNamed = std::to_array<Named>(
    {{"ae", "æ"},    {"AE", "Æ"},    {"oe", "œ"},    {"OE", "Œ"},     {"eth", "ð"},    {"thorn", "þ"},
     {"deg", "°"},   {"root", "√"},  {"sect", "§"},  {"pounds", "£"}, {"alpha", "α"},  {"beta", "β"},
     {"gamma", "γ"}, {"delta", "δ"}, {"theta", "θ"}, {"lambda", "λ"}, {"mu", "μ"},     {"pi", "π"},
     {"sigma", "σ"}, {"phi", "φ"},   {"omega", "ω"}, {"frac12", "½"}, {"frac14", "¼"}, {"frac34", "¾"},
     {"1/2", "½"},   {"1/4", "¼"},   {"3/4", "¾"},   {"prime", "′"},  {"min", "′"},    {"sec", "″"},
     {"ng", "ng"},   {"th", "th"},   {"imac", "ī"},  {"aum", "ä"},    {"asl", "ã"},    {"=ae", "ǣ"},
     {"times", "×"}, {"yogh", "ȝ"},  {"=oo", "oo"},  {"oo^", "oo"},   {"add", "ạ"},    {"udd", "ụ"},
     {"?", ""}});

struct Accent {
  char sign;
  std::uint32_t mark;  // combining; 0: the letter alone
};
constexpr auto kAccents = std::to_array<Accent>({{'\'', 0x301},
                                                 {'`', 0x300},
                                                 {'^', 0x302},
                                                 {'"', 0x308},
                                                 {'~', 0x303},
                                                 {'=', 0x304},
                                                 {',', 0x327},
                                                 {'.', 0x307},
                                                 {'-', 0x304},
                                                 {'*', 0},
                                                 {'|', 0}});

const Accent* accent_of(char sign) {
  const auto found =
      std::find_if(kAccents.begin(), kAccents.end(), [&](const Accent& a) { return a.sign == sign; });
  return found == kAccents.end() ? nullptr : found;
}

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

// `[ae]`, `['e]`, `[a^]`: the letter a bracket stands for; none for marks and remarks.
std::optional<std::string> letter_of(std::string_view inside) {
  for (const auto& [name, text] : kNamed) {
    if (inside == name) return std::string(text);
  }
  if (inside.size() != 2) return std::nullopt;
  const bool sign_first = is_letter(inside[1]);
  const char letter = sign_first ? inside[1] : inside[0];
  const char sign = sign_first ? inside[0] : inside[1];
  const auto* accent = accent_of(sign);
  if (!is_letter(letter) || accent == nullptr) return std::nullopt;
  std::string out(1, letter);
  const std::uint32_t mark =
      !sign_first && sign == '^' ? 0x306 : accent->mark;  // behind the letter it is a breve
  if (mark != 0) append_utf8(out, mark);
  return out;
}

// Past the bracket that closes the one at `open`; the end where none does.
std::size_t past_bracket(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t at = open; at < text.size(); ++at) {
    if (text[at] == '[') ++depth;
    if (text[at] == ']' && --depth == 0) return at + 1;
  }
  return text.size();
}

std::string without_brackets(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '[') {
      if (text[at] != '{' && text[at] != '}' && text[at] != ']') out += text[at];
      ++at;
      continue;
    }
    const auto end = past_bracket(text, at);
    if (const auto letter = letter_of(text.substr(at + 1, end - at - 2))) out += *letter;
    at = end;
  }
  return out;
}

// "--Shak." and what follows to the end of the stretch; a dash of prose has a space behind it.
std::string_view without_attribution(std::string_view text) {
  for (auto at = text.find("--"); at != std::string_view::npos; at = text.find("--", at + 2)) {
    if (at + 2 < text.size() && (std::isupper(static_cast<unsigned char>(text[at + 2])) != 0)) {
      return text.substr(0, at);
    }
  }
  return text;
}

bool closes_up(char c) {
  return c == ',' || c == '.' || c == ';' || c == ':' || c == ')' || c == '?' || c == '!';
}

std::string single_spaced(std::string_view text) {
  std::string out;
  bool space = false;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      space = true;
      continue;
    }
    if (space && !out.empty() && !closes_up(c)) out += ' ';
    if (space && closes_up(c) && c == '.' && out.ends_with(" .")) out += ' ';  // ". . ." keeps its spaces
    space = false;
    out += c;
  }
  return out;
}

}  // namespace

std::string clean_gcide_text(std::string_view text) {
  return single_spaced(without_attribution(without_brackets(text)));
}

}  // namespace espalier::examples
