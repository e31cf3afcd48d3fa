# One interface target that every folder links: warnings, assertions and the include root.
add_library(espalier_options INTERFACE)
target_compile_options(espalier_options INTERFACE -Wall -Wextra -Wshadow -Wno-unused-parameter
                                                  -Wno-missing-field-initializers)
target_compile_definitions(espalier_options INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Wrong in g++ 12 for every `"text" + std::string` (gcc bug 105651).
  target_compile_options(espalier_options INTERFACE -Wno-restrict)
endif()
if(ESPALIER_WERROR)
  target_compile_options(espalier_options INTERFACE -Werror)
endif()
