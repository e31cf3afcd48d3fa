# espalier_unity(TARGET SIZE): compiles the target's sources in groups of up to SIZE, where that is asked for. Which go together
# is decided when CMake runs (unity_groups.py): two that keep the same name to themselves never do.
option(ESPALIER_UNITY "Compile sources in groups: a third of the time for all, more after a change" OFF)
if(ESPALIER_UNITY)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()

function(espalier_unity target size)
  if(NOT ESPALIER_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "^${PROJECT_SOURCE_DIR}/.*\\.cpp$")
  execute_process(COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/unity_groups.py ${size} ${sources}
                  OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${lines}")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^([0-9]+) (.*)$" line "${line}")
    set_property(SOURCE "${CMAKE_MATCH_2}" PROPERTY UNITY_GROUP ${CMAKE_MATCH_1})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
