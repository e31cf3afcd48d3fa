#include "corpus/gcide.h"

#include <cstdlib>

#include "text/utf8.h"

// Whatever the bytes: entries whose lines are whole characters on one line each; nothing is thrown.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  using namespace espalier::examples;
  const std::string text = replace_invalid_utf8({reinterpret_cast<const char*>(data), size});
  GcideSummary summary;
  const auto entries = parse_gcide(text, &summary);
  if (summary.entries != entries.size()) std::abort();
  for (const GcideEntry& entry : entries) {
    if (entry.lines.empty() || find_invalid_utf8(entry.headword)) std::abort();
    for (const std::string& line : entry.lines) {
      if (line.empty() || line.find('\n') != std::string::npos || find_invalid_utf8(line)) std::abort();
    }
  }
  return 0;
}
