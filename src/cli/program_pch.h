#pragma once

// What most of the command line includes, compiled once.
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <iostream>
