#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>

#include "base/error.h"

namespace espalier::arch {

/// What of a checkpoint's tensors does not fit its config.json: the first in words, the others counted.
class Misfits {
 public:
  template <typename... Values>
  void add(fmt::format_string<Values...> format, Values&&... values) {
    if (count_++ == 0) first_ = fmt::format(format, std::forward<Values>(values)...);
  }

  /// Throws UserError naming the folder, the first misfit and how many more there are; nothing where all
  /// fits.
  void fail_if_any(const std::filesystem::path& folder) const {
    if (count_ == 0) return;
    throw UserError(fmt::format("{}: {}{}", folder.string(), first_,
                                count_ == 1 ? "" : fmt::format(" (and {} more that do not fit)", count_ - 1)),
                    "config.json and the tensors are not of one model");
  }

 private:
  std::string first_;
  std::size_t count_ = 0;
};

}  // namespace espalier::arch
