#include <cstdint>
#include <cstdlib>

#include "artifacts/keep_list.h"
#include "base/error.h"

// Whatever the bytes: a UserError, or a list that is ascending and is the same after writing and reading it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const KeepList list = keep_list_from_text({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const auto& [block, experts] : list) {
      if (block < 0 || experts.empty() || experts.front() < 0) std::abort();
      for (std::size_t i = 1; i < experts.size(); ++i) {
        if (experts[i - 1] >= experts[i]) std::abort();
      }
    }
    try {
      if (keep_list_from_text(keep_list_to_json(list), "again") != list) std::abort();
      if (keep_list_from_text(keep_list_to_lines(list), "again") != list) std::abort();
    } catch (const UserError&) {
      std::abort();  // what was read must be readable again
    }
  } catch (const UserError& error) {
    if (!std::string_view(error.what()).starts_with("fuzz")) std::abort();
  }
  return 0;
}
