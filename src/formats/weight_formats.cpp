#include "formats/weight_format.h"

namespace espalier::formats {

// One for each codec, from the file of its name.
std::vector<WeightFormat> fp4_formats();
WeightFormat packed_integers_format();
WeightFormat awq_format();
WeightFormat gptq_format();
std::vector<WeightFormat> counted_formats();  // that can only be counted and kept or removed whole
WeightFormat fp8_block_format();
WeightFormat dense_format();

std::span<const WeightFormat> weight_formats() {
  static const std::vector<WeightFormat> formats = [] {
    std::vector<WeightFormat> all = fp4_formats();
    all.push_back(packed_integers_format());
    all.push_back(awq_format());
    all.push_back(gptq_format());
    for (const WeightFormat& format : counted_formats()) all.push_back(format);
    all.push_back(fp8_block_format());
    all.push_back(dense_format());
    return all;
  }();
  return formats;
}

}  // namespace espalier::formats
