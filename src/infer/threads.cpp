#include "infer/threads.h"

#include <malloc.h>
#include <omp.h>

namespace espalier::infer {

void configure_threads(int threads) {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, 64 << 20);
  omp_set_num_threads(threads);
}

void return_freed_memory() {
  malloc_trim(0);
}

}  // namespace espalier::infer
