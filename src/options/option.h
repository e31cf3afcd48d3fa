#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::options {

enum class Kind {
  kFlag,     ///< on or off
  kText,     ///< any text
  kPath,     ///< a file or folder
  kInteger,  ///< a whole number
  kNumber,   ///< a number
  kBytes,    ///< a number of bytes: 20GB, 500MB, 4096
  kChoice    ///< one word of several
};

/// Numbers that an option takes.
struct Range {
  std::optional<double> least, most;
  bool above_least = false;  ///< `least` itself is not taken
};

/// One option of a verb: everything that its views need (command line, TOML, help, docs, other languages),
/// and the way to a field of the verb's Options. Made by an OptionTable, which describes the fields.
struct Option {
  std::string name;     ///< long name without dashes: "seq-len"; the key in TOML; also of one by position
  std::string metavar;  ///< what stands for the value: "FILE"; empty for a flag
  std::string help;     ///< one line without a full stop, or a line and the rows of a table below it
  Kind kind = Kind::kText;
  bool list = false;        ///< takes several words
  char delimiter = '\0';    ///< that divides the words of a list inside one; none: only several words
  bool positional = false;  ///< on the command line told by its place
  bool required = false;
  bool written = false;               ///< of kPath: the verb writes there
  bool makes_folder = false;          ///< of a file that is written: the folders above it are made too
  std::vector<std::string> choices;   ///< of kChoice, and of texts of which only these are taken
  Range range;                        ///< of kInteger and kNumber
  std::string default_text;           ///< what the field holds before it is set, for people; empty: nothing
  std::vector<std::string> excludes;  ///< names of options that may not be given beside it
  std::string group;                  ///< heading in `--help`; empty: the usual one
  bool given = false;                 ///< `assign` was called

  /// Sets the field. Throws UserError "--name: found .., expected ..".
  void assign(std::span<const std::string> words);
  /// The field's value as words that `assign` takes. A flag is {} when off, {"true"} when on; a field without
  /// a value {}.
  std::vector<std::string> words() const { return read(); }
  /// Whether the field holds something else than before anything was set.
  bool changed() const { return words() != default_words; }

  // What an OptionTable adds, in the order of a sentence.
  Option& require();
  Option& writes();
  Option& makes_its_folder();
  Option& at_least(double least);
  Option& above(double least);
  Option& between(double least, double most);
  Option& divided_by(char divider);
  Option& without(std::string other);             ///< not beside the option of that name
  Option& shows(std::string default_text);        ///< as the default, instead of the field's value
  Option& under(std::string heading);             ///< in `--help`
  Option& among(std::vector<std::string> words);  ///< only these

  std::function<void(const Option&, const std::vector<std::string>&)> write;  ///< to the field
  std::function<std::vector<std::string>()> read;                             ///< from the field
  std::vector<std::string> default_words;
};

/// "--seq-len", or "MODEL" for an option told by its place.
std::string shown_name(const Option& option);

}  // namespace espalier::options
