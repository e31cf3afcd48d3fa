#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace espalier {

/// What a cell of a sweep was made from, as a text: equal texts, equal inputs. It lies in `RESULT.inputs`,
/// written before the work begins, so that what is there is never taken for what was made from other inputs.
class RunInputs {
 public:
  RunInputs& add(std::string_view name, std::string_view value);
  RunInputs& add_command(std::span<const std::string> words);
  /// Of a text, its bytes; of a checkpoint folder config.json, and names, sizes and times of its weights.
  RunInputs& add_file(const std::filesystem::path& file);
  RunInputs& add_model(const std::filesystem::path& folder);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Whether `result` was begun with these inputs. Empty inputs are always the same.
bool is_made_from(const std::filesystem::path& result, std::string_view inputs);
void record_inputs(const std::filesystem::path& result, std::string_view inputs);

}  // namespace espalier
