#pragma once

namespace espalier {

/// Makes Ctrl-C (SIGINT) and SIGTERM set a flag; a second one ends the process at once. Call on the main
/// thread, which is the one that gets them. The handler runs on a stack of its own; a program that handles
/// signals itself while a model runs must do the same (`SA_ONSTACK`, see interrupt.cpp).
void install_interrupt_handler();

/// Whether the user asked to stop. Long loops look at it once per step, save, and throw `Interrupted`.
bool interrupt_requested();

}  // namespace espalier
