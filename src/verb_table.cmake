# The table of verbs is a folder: each header of FOLDER/verbs/, NAME.h, declares `Verb NAME_verb();`. Writes
# the source that lists them into OUTPUT, and their names into NAMES.
function(espalier_verb_table folder output names)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/verbs/*.h)
  set(includes)
  set(calls)
  set(found)
  foreach(header IN LISTS headers)
    get_filename_component(name ${header} NAME_WE)
    list(APPEND found ${name})
    string(APPEND includes "#include \"${folder}/verbs/${name}.h\"\n")
    string(APPEND calls "    ${name}_verb(),\n")
  endforeach()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${folder}_verbs.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
#include <algorithm>
#include <vector>

#include "pipeline/verb.h"
@includes@
namespace espalier::@folder@ {

std::span<const pipeline::Verb> verbs() {
  static const std::vector<pipeline::Verb> all = [] {
    std::vector<pipeline::Verb> list{
@calls@    };
    std::ranges::sort(list, {}, &pipeline::Verb::place);
    return list;
  }();
  return all;
}

}  // namespace espalier::@folder@
]])
  set(${output} ${source} PARENT_SCOPE)
  set(${names} ${found} PARENT_SCOPE)
endfunction()
