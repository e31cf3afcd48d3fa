# Finds libtorch, of the distribution or of pip's torch, and says which.
#
# ESPALIER_TORCH_PREFIX (also from the environment) names a libtorch folder or a Python environment with torch in it; without it
# the distribution's is taken, and where it has none, that of the `python3` on PATH. Tried: Debian 12's 1.13.1 and pip's 2.13.0.
set(ESPALIER_TORCH_PREFIX "$ENV{ESPALIER_TORCH_PREFIX}" CACHE PATH
    "Folder of libtorch, or of a Python environment that has torch; empty: the distribution's")

if(ESPALIER_TORCH_PREFIX)
  file(GLOB espalier_torch_folders "${ESPALIER_TORCH_PREFIX}/share/cmake/Torch"
       "${ESPALIER_TORCH_PREFIX}/lib/python3*/site-packages/torch/share/cmake/Torch")
  if(NOT espalier_torch_folders)
    message(FATAL_ERROR "ESPALIER_TORCH_PREFIX: no libtorch in ${ESPALIER_TORCH_PREFIX}\n"
                        "hint: a folder with share/cmake/Torch, or an environment after `pip install torch`")
  endif()
  list(GET espalier_torch_folders 0 espalier_torch_folder)
  find_package(Torch REQUIRED PATHS "${espalier_torch_folder}" NO_DEFAULT_PATH)
else()
  find_package(Torch QUIET)
  if(NOT Torch_FOUND)
    execute_process(COMMAND python3 -c "import torch; print(torch.utils.cmake_prefix_path)"
                    OUTPUT_VARIABLE espalier_torch_folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT espalier_torch_folder)
      message(FATAL_ERROR "there is no libtorch on this machine\n"
                          "hint: apt-get install libtorch-dev, or `pip install torch` and -DESPALIER_TORCH_PREFIX=..;"
                          " -DESPALIER_TORCH=OFF builds the program that does not train")
    endif()
    find_package(Torch REQUIRED PATHS "${espalier_torch_folder}/Torch" NO_DEFAULT_PATH)
  endif()
endif()

message(STATUS "libtorch ${Torch_VERSION}: ${TORCH_INSTALL_PREFIX}")
