# Turns the page's script, style and chart library into string constants (report/assets.h).
set(report_assets_source ${CMAKE_CURRENT_BINARY_DIR}/report_assets.cpp)
set(report_assets_text "#include \"report/assets.h\"\nnamespace espalier {\n")
foreach(asset IN ITEMS
        "kPageScript|report/page.js" "kPageStyle|report/page.css"
        "kChartScript|../third_party/uplot/uPlot.iife.min.js" "kChartStyle|../third_party/uplot/uPlot.min.css"
        "kChartLicence|../third_party/uplot/LICENSE")
  string(REPLACE "|" ";" asset "${asset}")
  list(GET asset 0 name)
  list(GET asset 1 file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  file(READ ${CMAKE_CURRENT_SOURCE_DIR}/${file} content)
  string(APPEND report_assets_text "const std::string_view ${name} = R\"~asset~(${content})~asset~\";\n")
endforeach()
string(APPEND report_assets_text "}  // namespace espalier\n")
file(CONFIGURE OUTPUT ${report_assets_source} CONTENT "\@report_assets_text\@" @ONLY)
target_sources(espalier_core PRIVATE ${report_assets_source})
