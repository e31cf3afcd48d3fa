#pragma once

#include <CLI/CLI.hpp>
#include <iosfwd>
#include <vector>

namespace espalier {

/// TOML for `--config`, read by base/toml_table.h. Keys at the top are options of the verb that runs or of
/// every verb; a section
/// `[pretrain]` holds options of that verb, so that one file may serve several verbs:
///
///     threads = 2
///     steps = 1000
///     [tokenizer.train]
///     vocab-size = 8192
///
/// Unknown keys are errors that name the nearest option.
class ConfigFile : public CLI::Config {
 public:
  /// `root` must outlive this; its verb is looked up while it parses.
  explicit ConfigFile(const CLI::App& root) : root_(root) {}
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
  /// Not offered: nothing writes config files.
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }

 private:
  const CLI::App& root_;
};

}  // namespace espalier
