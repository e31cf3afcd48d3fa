#pragma once

#include <string>

namespace espalier {

/// What stands where there is no value.
inline constexpr const char* kAbsent = "\u2013";

// Numbers as people read them. Not finite: an en dash.
std::string human_number(double value);      ///< four significant digits: "2.345", "0.0005"
std::string human_count(double value);       ///< "950", "12.3 k", "4.56 M"
std::string human_bytes(double bytes);       ///< decimal units: "512 MB", "1.25 GB"
std::string human_duration(double seconds);  ///< "4.2 s", "3 min 20 s", "2 h 05 min"
std::string human_percent(double share);     ///< "12.5%"

}  // namespace espalier
