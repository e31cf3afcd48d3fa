#include <cstdlib>

#include "arch/family.h"
#include "base/error.h"
#include "base/json.h"

// Whatever the bytes: a UserError, or a model whose counts groups divide and K can be drawn from, and that
// writes back to what it was read from.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const nlohmann::json config = parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    const arch::ModelSpec spec = arch::read_spec(config, "fuzz");
    if (spec.blocks.empty()) std::abort();
    for (const arch::BlockSpec& block : spec.blocks) {
      if (block.moe() == nullptr) continue;
      const RouterConfig& rule = block.moe()->router.rule;
      if (rule.top_groups > rule.groups || rule.groups < 1 || block.experts() % rule.groups != 0)
        std::abort();
    }
    try {
      const nlohmann::json written = parse_json(dump_json(arch::write_spec(spec, config)), "again");
      if (arch::read_spec(written, "again") != spec) std::abort();
    } catch (const UserError&) {
      std::abort();  // what was read must be readable again
    }
  } catch (const UserError&) {
  }
  return 0;
}
