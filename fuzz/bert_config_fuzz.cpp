#include <cstdlib>

#include "arch/bert_config.h"
#include "base/error.h"
#include "base/json.h"

// Whatever the bytes: a UserError, or a config that is valid and is the same after writing and reading it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const nlohmann::json fields = parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    const BertMoeConfig config = parse_bert_config(fields, "fuzz");
    nlohmann::json written;
    try {
      written = to_json(config);
      if (to_json(parse_bert_config(parse_json(dump_json(written), "again"), "again")) != written)
        std::abort();
    } catch (const UserError&) {
      std::abort();  // what was read must be readable again
    }
  } catch (const UserError&) {
  }
  return 0;
}
