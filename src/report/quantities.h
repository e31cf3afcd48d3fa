#pragma once

#include <cstdint>
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

std::string grouped_text(std::uint64_t number);  ///< 1234567 is "1,234,567"
std::string duration_text(double seconds);       ///< 59 s is "59s", 61 s "1m01s", 3700 s "1h01m"

}  // namespace espalier
