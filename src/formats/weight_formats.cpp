#include <array>

#include "formats/weight_format.h"

namespace espalier::formats {

std::span<const WeightFormat> weight_formats() {
  static const std::array formats{
      fp8_block_format(),
      dense_format(),
  };
  return formats;
}

}  // namespace espalier::formats
