#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace espalier {

/// Makes reading mapped memory whose file was cut meanwhile an error instead of the end of the process: the
/// handler of SIGBUS puts zeros in the place of what is gone and marks the range, and
/// `expect_inputs_unchanged` throws. A SIGBUS elsewhere ends the process as before. Without a call of this
/// (programs that use the library), so does every one.
void install_mapping_handler();

/// A mapping of a file, known to the handler while this lives.
class MappedRange {
 public:
  MappedRange() = default;
  MappedRange(const std::filesystem::path& file, std::span<const std::byte> bytes);
  MappedRange(MappedRange&& other) noexcept;
  MappedRange& operator=(MappedRange&& other) noexcept;
  ~MappedRange();

 private:
  struct Slot;
  friend std::optional<std::string> cut_mapping();
  friend void on_bus_error_in(void* address);
  Slot* slot_ = nullptr;
};

/// The file of a range that was cut, as long as it is mapped.
std::optional<std::string> cut_mapping();

}  // namespace espalier
