# Copies the headers of `folders` below `source_root` to `destination`, and prefixes their includes of one another
# with espalier/. Run by the install rule of install.cmake.
list(JOIN folders "|" folder_pattern)
foreach(folder IN LISTS folders)
  file(GLOB_RECURSE headers RELATIVE "${source_root}" "${source_root}/${folder}/*.h")
  foreach(header IN LISTS headers)
    if(header MATCHES "_pch\\.h$")
      continue() # precompiled headers are our build's business
    endif()
    file(READ "${source_root}/${header}" text)
    string(REGEX REPLACE "(#[ \t]*include[ \t]*\")((${folder_pattern})/)" "\\1espalier/\\2" text "${text}")
    set(installed "${destination}/${header}")
    set(before "")
    if(EXISTS "${installed}")
      file(READ "${installed}" before)
    endif()
    if(NOT before STREQUAL text) # an unchanged header keeps its time, so that outsiders do not recompile
      message(STATUS "Installing: ${installed}")
      file(WRITE "${installed}" "${text}")
    endif()
  endforeach()
endforeach()
