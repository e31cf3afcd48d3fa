#pragma once

namespace espalier {

/// Makes Ctrl-C (SIGINT) and SIGTERM set a flag; a second one ends the process at once.
void install_interrupt_handler();

/// Whether the user asked to stop. Long loops look at it once per step, save, and throw `Interrupted`.
bool interrupt_requested();

}  // namespace espalier
