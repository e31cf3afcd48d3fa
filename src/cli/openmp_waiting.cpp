#include <cstdlib>
#include <cstring>
#include <string_view>

/// How long threads of libgomp, ours and those of oneDNN and libtorch, look for work before they sleep. Left
/// to itself libgomp makes them spin for milliseconds, which beside a busy neighbour is most of their share
/// of a processor. It reads its settings from the environment when it is loaded, before anything of a program
/// runs; so the program answers in the environment's place. Part of the program alone, not of the library.
namespace {

/// Looks of about 40 ns each: longer than threads mostly wait for each other, a fiftieth of a time slice.
char few_looks[] = "2000";

}  // namespace

extern char** environ;

/// libgomp of any version asks this for GOMP_SPINCOUNT. What the user sets, that or OMP_WAIT_POLICY, holds.
extern "C" __attribute__((visibility("default"))) char* getenv(const char* name) noexcept {
  const std::size_t length = std::strlen(name);
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    if (std::strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
  if (std::string_view(name) != "GOMP_SPINCOUNT" || getenv("OMP_WAIT_POLICY") != nullptr) return nullptr;
  return few_looks;
}
