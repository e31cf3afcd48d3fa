#pragma once

#include <string>

#include "options/option_table.h"

namespace espalier::options {

/// The options as an entry each of a Markdown list, lines up to 110 columns: the reference part of
/// docs/verbs.md.
///
///     - `--min-tokens N` (0; from 0 on): protect experts that got fewer tokens
std::string reference(const OptionTable& table);

}  // namespace espalier::options
