# Installs the build into a new folder, builds tests/install/outside against it as a stranger would, and runs both
# programs. Run by ctest with -Dbuild, -Dsource, -Dgenerator, -Dcompiler, -Dflags, -Dlauncher.
set(work "${build}/install-test")
set(prefix "${work}/prefix")
file(REMOVE_RECURSE "${work}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${result}:\n${out}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

function(expect text part what)
  string(FIND "${text}" "${part}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "${what}: expected '${part}' in:\n${text}")
  endif()
endfunction()

run("${CMAKE_COMMAND}" --install "${build}" --prefix "${prefix}")

# The source tree must not be needed: a header that still names a folder of ours without the prefix would find it.
file(GLOB_RECURSE headers "${prefix}/include/espalier/*.h")
list(LENGTH headers count)
if(count LESS 10)
  message(FATAL_ERROR "only ${count} headers were installed")
endif()
foreach(header IN LISTS headers)
  file(STRINGS "${header}" includes REGEX "#[ \t]*include[ \t]*\"")
  foreach(include IN LISTS includes)
    if(NOT include MATCHES "\"espalier/([^\"]+)\"" OR NOT EXISTS "${prefix}/include/espalier/${CMAKE_MATCH_1}")
      message(FATAL_ERROR "${header}: ${include}: no such installed header")
    endif()
  endforeach()
endforeach()

run("${CMAKE_COMMAND}" -S "${source}/tests/install/outside" -B "${work}/outside" -G "${generator}"
    "-DCMAKE_PREFIX_PATH=${prefix}" "-DCMAKE_CXX_COMPILER=${compiler}" "-DCMAKE_CXX_FLAGS=${flags}"
    "-DCMAKE_CXX_COMPILER_LAUNCHER=${launcher}" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_STANDARD=20)
run("${CMAKE_COMMAND}" --build "${work}/outside")

execute_process(COMMAND "${work}/outside/outside" "${work}/router.safetensors"
                RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE out)
if(NOT result EQUAL 2)
  message(FATAL_ERROR "the outside program ended with ${result}:\n${out}")
endif()
expect("${out}" "router.weight: 6 numbers" "outside program")
expect("${out}" "error: " "outside program")
expect("${out}" "router.weigth" "outside program")

run("${prefix}/bin/espalier" --version)
expect("${out}" "espalier " "installed program")
message(STATUS "installed ${count} headers; the outside program built and ran")
