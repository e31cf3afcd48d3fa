#pragma once

#include <map>
#include <string>

namespace espalier {

/// `infer::configure_threads`, and the threads of libtorch (which starts with one). Call once, before any
/// tensor is made.
void configure_engine(int threads);

/// "espalier", "torch", "onednn" -> version.
std::map<std::string, std::string> library_versions();

}  // namespace espalier
