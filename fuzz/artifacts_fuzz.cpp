#include <cstdlib>

#include "artifacts/bench_result.h"
#include "artifacts/eval_result.h"
#include "artifacts/metrics.h"
#include "artifacts/run_cell.h"
#include "artifacts/run_manifest.h"
#include "base/error.h"

namespace {

// A UserError, or a value that is the same after writing and reading it. True if it was read.
template <typename Read, typename Write>
bool survives(std::string_view text, Read read, Write write) {
  using namespace espalier;
  try {
    const std::string written = write(read(text, "fuzz"));
    try {
      if (write(read(written, "again")) != written) std::abort();
    } catch (const UserError&) {
      std::abort();  // what was read must be readable again
    }
    return true;
  } catch (const UserError&) {
    return false;
  }
}

}  // namespace

// Whatever the bytes: at most one of the artifacts, since each names its format.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  int read = 0;
  read += survives(text, eval_result_from_json, eval_result_to_json);
  read += survives(text, cell_from_json, cell_to_json);
  read += survives(text, bench_result_from_json, bench_result_to_json);
  read += survives(text, metrics_line_from_json, metrics_line_to_json);
  read += survives(text, manifest_from_json, manifest_to_json);
  if (read > 1) std::abort();
  return 0;
}
