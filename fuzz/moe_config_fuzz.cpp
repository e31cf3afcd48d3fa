#include <cstdlib>

#include "arch/family.h"
#include "arch/moe_config.h"
#include "arch/moe_families.h"
#include "base/error.h"
#include "base/json.h"

// Whatever the bytes: a UserError, or counts that groups divide and K can be drawn from.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const nlohmann::json config = parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    const Family& family = family_of(config, "fuzz");
    if (find_moe_family(family.model_type) == nullptr) return 0;
    const MoeConfig moe = parse_moe_config(config, "fuzz");
    if (moe.top_groups > moe.groups || moe.groups < 1 || moe.experts.empty()) std::abort();
    for (const std::int64_t experts : moe.experts) {
      if (experts < 0 || experts % moe.groups != 0) std::abort();
      if (experts > 0 && moe.experts_per_token > experts) std::abort();
    }
    family.sizes(config, "fuzz");
  } catch (const UserError&) {
  }
  return 0;
}
