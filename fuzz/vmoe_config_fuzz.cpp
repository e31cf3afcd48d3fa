#include <cstdlib>

#include "arch/vmoe_config.h"
#include "base/error.h"
#include "base/json.h"

// A UserError, or a config that is the same after writing and reading it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto json = to_json(parse_vmoe_config(parse_json(text, "fuzz"), "fuzz"));
    if (to_json(parse_vmoe_config(json, "again")) != json) std::abort();
  } catch (const UserError&) {
  }
  return 0;
}
