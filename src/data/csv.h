#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// One record of a CSV file (RFC 4180), taken in line by line, since a field in quotes may hold line ends.
/// Fields are divided by commas. A field that begins with a quotation mark ends at the next one that is not
/// doubled; a quotation mark in any other field is an error, for a reader who takes it as text and one who
/// takes it as a quote would see different rows. A line end in quotes becomes '\n'.
class CsvRecord {
 public:
  /// Forgets the record and cuts `line` at its tabs; there are no quotes.
  void read_tsv(std::string_view line);

  /// Forgets the record.
  void clear();
  /// Adds a line; true when the record is complete, false while a quotation mark is open. Throws UserError
  /// that begins with `where`.
  bool add_csv_line(std::string_view line, std::string_view where);

  const std::vector<std::string>& fields() const { return fields_; }
  bool quote_is_open() const { return quoted_; }

 private:
  void add_quoted(std::string_view& line, std::string_view where);

  std::vector<std::string> fields_;
  bool quoted_ = false;  // the last field goes on in the next line
};

}  // namespace espalier
