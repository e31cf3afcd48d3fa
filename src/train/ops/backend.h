#pragma once

#include <string_view>

namespace espalier {

/// Who computes the layers' operations; see nn/ops.h.
enum class Backend { kOneDnn, kTorch };

std::string_view name(Backend backend);
Backend parse_backend(std::string_view name);  ///< throws UserError naming the known ones

}  // namespace espalier
