#include "text/character_set.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "text/utf8.h"

namespace espalier {

CharacterSet::CharacterSet(std::span<const Range> ranges) {
  const bool others = std::any_of(ranges.begin(), ranges.end(), [](Range range) { return range.last > 127; });
  std::vector<Page> all(others ? kCodePoints / 256 : 1);
  for (const auto& [first, last] : ranges) {
    if (last >= kCodePoints) throw InternalError("a range beyond U+10FFFF");
    for (std::uint32_t c = first; c <= last; ++c) {
      if (c % 64 == 0 && c + 63 <= last) {
        all[c >> 8][(c >> 6) & 3u] = ~std::uint64_t{0};
        c += 63;
      } else {
        all[c >> 8][(c >> 6) & 3u] |= std::uint64_t{1} << (c & 63u);
      }
    }
  }
  ascii_ = {all[0][0], all[0][1]};
  if (!others) return;
  std::map<Page, std::uint16_t> known;
  for (const Page& page : all) {
    const auto [found, is_new] = known.try_emplace(page, static_cast<std::uint16_t>(pages_.size()));
    if (is_new) pages_.push_back(page);
    page_of_.push_back(found->second);
  }
}

}  // namespace espalier
