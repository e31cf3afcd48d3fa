# Installs @huggingface/tokenizers as the lock file says into the build folder and compares; says so and passes over where
# there is no npm, or it finds no registry.
#
#   cmake -Dsource=TREE -Dbuild=BUILD -Dprogram=ESPALIER -P run.cmake
find_program(node node)
find_program(npm npm)
if(NOT node OR NOT npm)
  message(STATUS "skipped: node and npm are needed to compare with @huggingface/tokenizers")
  return()
endif()
set(folder ${build}/tokenizer-agreement)
file(GLOB files ${source}/tests/engines/tokenizers/*.mjs ${source}/tests/engines/tokenizers/*.json)
file(COPY ${files} DESTINATION ${folder})
if(NOT EXISTS ${folder}/node_modules/@huggingface/tokenizers/package.json)
  execute_process(COMMAND ${npm} ci --no-audit --no-fund --fetch-retries=0 --fetch-timeout=10000
                  WORKING_DIRECTORY ${folder} RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET TIMEOUT 60)
  if(failed)
    message(STATUS "skipped: npm ci could not fetch @huggingface/tokenizers")
    return()
  endif()
endif()
execute_process(COMMAND ${node} agreement.mjs ${program} ${source} ${folder} WORKING_DIRECTORY ${folder}
                RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "the tokenizers disagree with @huggingface/tokenizers")
endif()
