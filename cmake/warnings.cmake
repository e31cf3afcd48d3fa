# One interface target that every folder links: warnings, assertions and the include root.
add_library(espalier_options INTERFACE)
target_compile_options(espalier_options INTERFACE -Wall -Wextra -Wshadow -Wno-unused-parameter
                                                  -Wno-missing-field-initializers)
target_compile_definitions(espalier_options INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(ESPALIER_WERROR)
  target_compile_options(espalier_options INTERFACE -Werror)
endif()
