#pragma once

#include <string>

namespace espalier {

/// The page up to the place where its sections go: doctype, styles, a collector of script errors, logo and
/// title. It fetches nothing, and a policy in it holds the browser to that.
std::string page_begin(const std::string& title);
/// After the sections: `scripts` is HTML, may be empty.
std::string page_end(const std::string& scripts);

}  // namespace espalier
