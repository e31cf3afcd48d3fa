#pragma once

namespace espalier::infer {

/// Sets the threads of everything that is computed here, and lets the allocator keep freed memory: a pass
/// through a model frees and takes the same blocks again and again, and giving them back to the system makes
/// every layer pay for page faults. Call once, before anything large is allocated.
void configure_threads(int threads);

/// Gives what `configure_threads` made the allocator keep back to the system: after something large is gone
/// for good, as dropped experts are.
void return_freed_memory();

}  // namespace espalier::infer
