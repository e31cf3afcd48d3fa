#pragma once

#include <string_view>

namespace espalier {

// Files that embed.cmake turns into constants, so that a report needs nothing beside it.
extern const std::string_view kPageScript;    ///< report/page.js
extern const std::string_view kPageStyle;     ///< report/page.css
extern const std::string_view kChartScript;   ///< third_party/uplot
extern const std::string_view kChartStyle;    ///< third_party/uplot
extern const std::string_view kChartLicence;  ///< third_party/uplot

}  // namespace espalier
