#pragma once

#include <string>

namespace espalier {

/// The tree that the tests are of, the program that they run and the folder it was built in. Functions of one
/// small source, so that no test is compiled anew where the tree lies elsewhere.
const std::string& source_dir();
const std::string& program_path();
const std::string& binary_dir();

}  // namespace espalier
