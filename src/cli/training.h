#pragma once

#include <map>
#include <span>
#include <string>

#include "pipeline/verb.h"

namespace espalier {

// What the program asks of the folders that train. Two versions: training/ in espalier-train, which needs
// libtorch; no_training/ in the program that people call, the static one among them.

/// Verbs that train. Without training, rows that have no function: their names, to say where they are.
std::span<const pipeline::Verb> training_verbs();

/// Without training: becomes the espalier-train beside this program, if there is one and the words ask for a
/// verb that trains or for what only it can tell (the list of verbs, versions, what a config file may hold).
/// Returns otherwise, and in espalier-train itself.
void hand_over_to_training(int argc, char** argv);

/// Sets the threads of everything that computes, threads > 0, and what else must be set before anything large
/// is allocated.
void start_threads(int threads);

/// Name of each tensor library -> its version; empty without training.
std::map<std::string, std::string> tensor_libraries();

}  // namespace espalier
