#include "formats/weight_format.h"

namespace espalier::formats {

// One for each codec, from the file of its name.
std::vector<WeightFormat> counted_formats();  // that can only be counted and kept or removed whole
WeightFormat fp8_block_format();
WeightFormat dense_format();

std::span<const WeightFormat> weight_formats() {
  static const std::vector<WeightFormat> formats = [] {
    std::vector<WeightFormat> all = counted_formats();
    all.push_back(fp8_block_format());
    all.push_back(dense_format());
    return all;
  }();
  return formats;
}

}  // namespace espalier::formats
