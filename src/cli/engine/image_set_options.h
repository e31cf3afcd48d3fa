#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace espalier {

/// --images and --classes.
void add_image_set_options(CLI::App& app, std::string& images, std::vector<std::string>& classes);

}  // namespace espalier
