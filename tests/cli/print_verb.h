#pragma once

#include <ostream>

#include "pipeline/verb.h"

namespace espalier::pipeline {

/// How a failure names the verb.
inline void PrintTo(const Verb& verb, std::ostream* out) {
  *out << verb.name;
}

}  // namespace espalier::pipeline
