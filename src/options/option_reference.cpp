#include "options/option_reference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

namespace espalier::options {
namespace {

constexpr std::size_t kColumns = 108;

/// Lines of words: the first begins with `bullet`, the others are as far in.
std::string wrapped(const std::string& bullet, const std::string& text) {
  std::string result, line = bullet;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (line.size() > bullet.size() && line.size() + 1 + word.size() > kColumns) {
      result += line + "\n";
      line = std::string(bullet.size(), ' ');
    }
    line += (line.size() > bullet.size() ? " " : "") + word;
  }
  return result + line + "\n";
}

std::string syntax(const Option& option) {
  const std::string dots = option.list ? ".." : "";
  if (option.positional) return option.metavar + dots;
  return option.metavar.empty() ? "--" + option.name
                                : fmt::format("--{} {}{}", option.name, option.metavar, dots);
}

/// " (required)", " (0.5; from 0 to 1)", "": what can be said in figures.
std::string facts(const Option& option) {
  std::vector<std::string> parts;
  if (option.required) parts.emplace_back("required");
  if (!option.default_text.empty()) parts.push_back("default " + option.default_text);
  if (!option.choices.empty()) parts.push_back(fmt::format("{}", fmt::join(option.choices, ", ")));
  const auto& [least, most, above_least] = option.range;
  if (least && most) parts.push_back(fmt::format("{} to {}", *least, *most));
  if (least && !most)
    parts.push_back(above_least ? fmt::format("above {}", *least) : fmt::format("from {} on", *least));
  for (const std::string& other : option.excludes) parts.push_back("not with `--" + other + "`");
  return parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, "; "));
}

}  // namespace

std::string reference(const OptionTable& table) {
  std::string text;
  for (const Option& option : table.all()) {
    std::istringstream lines(option.help);
    std::string first;
    std::getline(lines, first);
    text += wrapped(
        "- ", fmt::format("`{}`{}{}{}", syntax(option), facts(option), first.empty() ? "" : ": ", first));
    for (std::string row; std::getline(lines, row);) text += wrapped("  - ", row);
  }
  return text;
}

}  // namespace espalier::options
