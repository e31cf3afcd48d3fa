#include "sweep/run_inputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/byte_source.h"
#include "base/files.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

fs::path record_of(const fs::path& result) {
  return result.string() + ".inputs";
}

}  // namespace

RunInputs& RunInputs::add(std::string_view name, std::string_view value) {
  text_ += fmt::format("{}: {}\n", name, value);
  return *this;
}

RunInputs& RunInputs::add_command(std::span<const std::string> words) {
  return add("command", fmt::format("{}", fmt::join(words, "\x1f")));
}

RunInputs& RunInputs::add_file(const fs::path& file) {
  return add(file.string(), content_sha256(file));
}

RunInputs& RunInputs::add_model(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> lines;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const fs::path& file = entry.path();
    if (file.filename() == "config.json") lines.push_back("config.json " + content_sha256(file));
    if (file.extension() != ".safetensors") continue;
    lines.push_back(fmt::format("{} {} {}", file.filename().string(), fs::file_size(file, error),
                                fs::last_write_time(file, error).time_since_epoch().count()));
  }
  std::sort(lines.begin(), lines.end());
  return add(folder.string(), fmt::format("{}", fmt::join(lines, ", ")));
}

bool is_made_from(const fs::path& result, std::string_view inputs) {
  std::error_code error;
  if (inputs.empty()) return true;
  return fs::exists(record_of(result), error) && read_file(record_of(result)) == inputs;
}

void record_inputs(const fs::path& result, std::string_view inputs) {
  if (!inputs.empty()) write_file(record_of(result), inputs);
}

}  // namespace espalier
