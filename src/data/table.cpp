#include "data/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/byte_source.h"
#include "base/error.h"
#include "base/foreign_file.h"
#include "base/nearest.h"
#include "data/json_line.h"
#include "data/shown_text.h"
#include "data/text_file.h"
#include "data/text_kind.h"

namespace espalier {
namespace {

const char* uneven_hint(TableFormat format) {
  return format == TableFormat::kTsv ? "fields stand between tabs: a text holds neither tabs nor line ends"
                                     : "put a text that holds a comma in quotes";
}

/// The name of a pipe says nothing; the first line does.
TableFormat table_format_of(std::string_view begin) {
  if (begin.starts_with('{')) return TableFormat::kJsonLines;
  return begin.substr(0, begin.find('\n')).find('\t') != std::string_view::npos ? TableFormat::kTsv
                                                                                : TableFormat::kCsv;
}

}  // namespace

TableFormat table_format(const std::filesystem::path& file) {
  auto name = file.filename();
  if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
  if (name.extension() == ".tsv") return TableFormat::kTsv;
  if (name.extension() == ".csv") return TableFormat::kCsv;
  if (name.extension() == ".jsonl") return TableFormat::kJsonLines;
  if (is_pipe(file)) return table_format_of(first_bytes(file));
  throw UserError(fmt::format("{}: the name does not say how the table is written", file.string()),
                  "name it .tsv, .csv or .jsonl (also .tsv.gz, .tsv.zst and so on)");
}

LineSource lines_of(std::string_view bytes) {
  return [bytes]() mutable -> std::optional<std::string_view> {
    if (bytes.empty()) return std::nullopt;
    const auto end = bytes.find('\n');
    auto line = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  };
}

TableReader::TableReader(LineSource lines, TableFormat format, TableColumns columns, std::string name)
    : lines_(std::move(lines)), format_(format), columns_(std::move(columns)), name_(std::move(name)) {
  fields_.resize(columns_.wanted.size());
  if (format_ != TableFormat::kJsonLines) read_header();
}

std::string TableReader::where() const {
  return fmt::format("{}: line {}", name_, row_line_);
}

std::optional<std::string_view> TableReader::next_line() {
  const auto line = lines_();
  if (line) ++lines_read_;
  return line;
}

// The next line, or the next lines of one CSV record, into `record_`.
bool TableReader::next_record() {
  auto line = next_line();
  while (line && line->empty()) line = next_line();
  if (!line) return false;
  row_line_ = lines_read_;
  if (row_line_ == 1) refuse_foreign_or_page(*line, name_);
  if (format_ == TableFormat::kTsv) {
    record_.read_tsv(*line);
    return true;
  }
  record_.clear();
  while (!record_.add_csv_line(*line, where())) {
    line = next_line();
    if (line) continue;
    throw UserError(fmt::format("{}: a quotation mark is never closed", where()),
                    "a quotation mark inside a quoted field is written twice (RFC 4180)");
  }
  return true;
}

void TableReader::no_column(const WantedColumn& wanted, const std::vector<std::string>& there) const {
  std::vector<std::string> shown;  // what stands where a header should may be long texts
  for (const auto& name : there) shown.push_back(shown_text(name));
  auto hint = suggestion(wanted.name, std::vector<std::string_view>(shown.begin(), shown.end()));
  if (!wanted.hint.empty()) hint += (hint.empty() ? "" : "; ") + wanted.hint;
  throw UserError(fmt::format("{}: there is no column \"{}\", the columns are {}", where(), wanted.name,
                              fmt::join(shown, ", ")),
                  hint);
}

void TableReader::find_columns(const std::vector<std::string>& header) {
  width_ = header.size();
  for (const auto& wanted : columns_.wanted) {
    auto found = std::find(header.begin(), header.end(), wanted.name);
    if (found == header.end() && !wanted.other_name.empty())
      found = std::find(header.begin(), header.end(), wanted.other_name);
    if (found == header.end()) no_column(wanted, header);
    if (std::find(found + 1, header.end(), *found) != header.end()) {
      throw UserError(fmt::format("{}: the column \"{}\" is there twice", where(), wanted.name),
                      "give the columns different names");
    }
    places_.push_back(static_cast<std::size_t>(found - header.begin()));
  }
}

void TableReader::read_header() {
  if (!next_record()) throw UserError(fmt::format("{}: the file is empty", name_), "pass a file with rows");
  const auto& first = record_.fields();
  const bool is_header = columns_.positions.empty() ||
                         std::any_of(columns_.wanted.begin(), columns_.wanted.end(), [&](const auto& wanted) {
                           return std::find(first.begin(), first.end(), wanted.name) != first.end();
                         });
  find_columns(is_header ? first : columns_.positions);
  first_row_is_read_ = !is_header;
}

bool TableReader::next() {
  if (format_ == TableFormat::kJsonLines) return next_object();
  for (;;) {
    if (!first_row_is_read_ && !next_record()) return false;
    first_row_is_read_ = false;
    if (record_.fields().size() == width_) break;
    if (columns_.uneven == UnevenRows::kError) {
      throw UserError(
          fmt::format("{}: the row has {} columns, expected {}", where(), record_.fields().size(), width_),
          uneven_hint(format_));
    }
    ++skipped_rows_;
  }
  for (std::size_t i = 0; i < places_.size(); ++i) fields_[i] = record_.fields()[places_[i]];
  return true;
}

// A string as it is; a number or boolean as JSON writes it.
std::string TableReader::text_of(const nlohmann::json& object, const WantedColumn& wanted) const {
  auto found = object.find(wanted.name);
  if (found == object.end()) found = object.find(wanted.other_name);
  if (found == object.end()) {
    std::vector<std::string> keys;
    for (const auto& [name, value] : object.items()) keys.push_back(name);
    no_column(wanted, keys);
  }
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number() || found->is_boolean()) return found->dump();
  throw UserError(fmt::format("{}: {}: found {}, expected a string or a number", where(), wanted.name,
                              shown_text(found->dump())),
                  found->is_null() ? "correct the row or leave it out" : "write texts and labels as strings");
}

bool TableReader::next_object() {
  auto line = next_line();
  while (line && is_blank(*line)) line = next_line();
  if (!line) return false;
  row_line_ = lines_read_;
  const nlohmann::json object = parse_json_line(*line, where());
  if (!object.is_object()) {
    throw UserError(fmt::format("{}: found {}, expected a JSON object", where(), object.type_name()),
                    "a .jsonl file holds one JSON object a line");
  }
  for (std::size_t i = 0; i < fields_.size(); ++i) fields_[i] = text_of(object, columns_.wanted[i]);
  return true;
}

}  // namespace espalier
