#include "paths.h"

namespace espalier {

const std::string& source_dir() {
  static const std::string path = ESPALIER_SOURCE_DIR;
  return path;
}

const std::string& program_path() {
  static const std::string path = ESPALIER_PROGRAM;
  return path;
}

const std::string& binary_dir() {
  static const std::string path = ESPALIER_BINARY_DIR;
  return path;
}

}  // namespace espalier
