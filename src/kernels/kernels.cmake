# kernels: without a tensor library. simd/ is compiled once per instruction set: each variant folder holds one file
# that sets the number of lanes and includes bodies/; simd/kernels.cpp chooses between them at run time.
find_package(OpenMP REQUIRED COMPONENTS CXX)

set(simd_folder ${CMAKE_CURRENT_LIST_DIR}/simd)
add_library(espalier_kernels STATIC ${CMAKE_CURRENT_LIST_DIR}/gemm.cpp ${simd_folder}/kernels.cpp
                                    ${simd_folder}/baseline/kernels.cpp)
add_library(espalier::kernels ALIAS espalier_kernels)
target_include_directories(espalier_kernels PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}>
                                                $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(espalier_kernels PUBLIC cxx_std_20)
target_link_libraries(espalier_kernels PUBLIC espalier_core OpenMP::OpenMP_CXX
                                    PRIVATE $<BUILD_INTERFACE:espalier_options>)

# No -ffast-math: NaN and infinity must come through. -O3 also in RelWithDebInfo.
set(simd_options -O3 -fno-math-errno -fno-trapping-math -fno-signed-zeros -ffp-contract=fast -Wno-psabi)
set_source_files_properties(${simd_folder}/baseline/kernels.cpp PROPERTIES COMPILE_OPTIONS "${simd_options}")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_sources(espalier_kernels PRIVATE ${simd_folder}/avx2/kernels.cpp ${simd_folder}/avx512/kernels.cpp)
  set_source_files_properties(${simd_folder}/avx2/kernels.cpp PROPERTIES COMPILE_OPTIONS
                              "${simd_options};-march=x86-64-v3")
  set_source_files_properties(${simd_folder}/avx512/kernels.cpp PROPERTIES COMPILE_OPTIONS
                              "${simd_options};-march=x86-64-v4")
endif()
