#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/csv.h"

namespace espalier {

/// How the rows of a table lie in a file.
enum class TableFormat {
  kTsv,        ///< a row a line, fields between tabs; quotation marks are text (GLUE has them unpaired)
  kCsv,        ///< RFC 4180
  kJsonLines,  ///< a row a line, a JSON object; its keys are the columns
};

/// By the end of the name: .tsv, .csv or .jsonl, each also with .gz or .zst; of a pipe with another name by
/// its first line: `{` begins JSON Lines, a tab is of TSV. Throws UserError for another name.
TableFormat table_format(const std::filesystem::path& file);

/// The next line without its end, valid until the next call; nullopt after the last.
using LineSource = std::function<std::optional<std::string_view>()>;

/// The lines of a text in memory, which must outlive the source.
LineSource lines_of(std::string_view bytes);

/// What to do with a row that has more or fewer fields than the header.
enum class UnevenRows { kError, kSkip };

struct WantedColumn {
  std::string name;
  std::string hint = {};        ///< what to say, besides the nearest name, when it is not there
  std::string other_name = {};  ///< that it may have instead (as data sets of the hub call it); may be empty
};

/// The columns to read of a TSV or CSV header, or the keys to read of every JSON object.
struct TableColumns {
  std::vector<WantedColumn> wanted;  ///< each must be there
  /// Names for the columns of a file without a header (CoLA). A first row with a wanted name among its fields
  /// is a header all the same. Empty: there is a header. Ignored for JSON.
  std::vector<std::string> positions;
  UnevenRows uneven = UnevenRows::kError;
};

/// Reads the wanted columns row by row. Empty lines are passed over. Every mistake is a UserError that begins
/// with "NAME: line N".
class TableReader {
 public:
  /// Reads the header.
  TableReader(LineSource lines, TableFormat format, TableColumns columns, std::string name);

  /// Moves to the next row; false after the last.
  bool next();
  const std::vector<std::string>& fields() const { return fields_; }  ///< of the row, as wanted
  std::string where() const;                                          ///< of the row: "NAME: line N"
  std::uint64_t skipped_rows() const { return skipped_rows_; }        ///< by UnevenRows::kSkip

 private:
  std::optional<std::string_view> next_line();
  bool next_record();
  bool next_object();
  void read_header();
  void find_columns(const std::vector<std::string>& header);
  std::string text_of(const nlohmann::json& object, const WantedColumn& wanted) const;
  [[noreturn]] void no_column(const WantedColumn& wanted, const std::vector<std::string>& there) const;

  LineSource lines_;
  TableFormat format_;
  TableColumns columns_;
  std::string name_;
  CsvRecord record_;                 // TSV and CSV: all fields of the row
  std::size_t width_ = 0;            // fields a row must have
  std::vector<std::size_t> places_;  // of the wanted columns in the record
  std::vector<std::string> fields_;
  bool first_row_is_read_ = false;  // a file without header: the row the header was looked for in
  std::uint64_t lines_read_ = 0;
  std::uint64_t row_line_ = 0;
  std::uint64_t skipped_rows_ = 0;
};

}  // namespace espalier
