#pragma once

#include <string>

#include "pipeline/verb.h"

namespace espalier {

/// A verb's options as a section of docs/verbs.md, "### score" and a list.
std::string reference_section(const pipeline::Verb& verb);

/// The reference part of docs/verbs.md: the options of every verb, and each verb of this build
/// (`espalier --reference`).
std::string reference_page();

}  // namespace espalier
