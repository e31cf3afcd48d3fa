#include "data/csv.h"

#include <fmt/format.h>

#include "base/error.h"
#include "data/shown_text.h"

namespace espalier {
namespace {

constexpr const char* kQuoteHint =
    "put the whole field in quotes and double those inside (RFC 4180); .tsv files know no quotes";

}  // namespace

void CsvRecord::read_tsv(std::string_view line) {
  fields_.clear();
  for (;;) {
    const auto end = line.find('\t');
    fields_.emplace_back(line.substr(0, end));
    if (end == std::string_view::npos) return;
    line.remove_prefix(end + 1);
  }
}

void CsvRecord::clear() {
  fields_.clear();
  quoted_ = false;
}

// Takes what belongs to the open quote off the line: up to the closing mark and the comma behind it.
void CsvRecord::add_quoted(std::string_view& line, std::string_view where) {
  while (quoted_) {
    const auto mark = line.find('"');
    fields_.back() += line.substr(0, mark);
    if (mark == std::string_view::npos) return line.remove_prefix(line.size());
    line.remove_prefix(mark + 1);
    quoted_ = line.starts_with('"');
    if (!quoted_) break;
    fields_.back() += '"';
    line.remove_prefix(1);
  }
  if (line.empty() || line.front() == ',') return;
  throw UserError(
      fmt::format("{}: \"{}\" behind a closing quotation mark, expected a comma or the line's end", where,
                  shown_text(line)),
      kQuoteHint);
}

bool CsvRecord::add_csv_line(std::string_view line, std::string_view where) {
  if (quoted_) {
    fields_.back() += '\n';
  } else {
    fields_.emplace_back();
  }
  for (;;) {
    if (!quoted_ && line.starts_with('"')) {
      quoted_ = true;
      line.remove_prefix(1);
    }
    if (quoted_) {
      add_quoted(line, where);
      if (quoted_) return false;
    } else {
      const auto plain = line.substr(0, line.find(','));
      if (plain.find('"') != std::string_view::npos) {
        throw UserError(fmt::format("{}: a quotation mark inside the field \"{}\"", where, shown_text(plain)),
                        kQuoteHint);
      }
      fields_.back() = plain;
      line.remove_prefix(plain.size());
    }
    if (line.empty()) return true;
    line.remove_prefix(1);  // the comma
    fields_.emplace_back();
  }
}

}  // namespace espalier
