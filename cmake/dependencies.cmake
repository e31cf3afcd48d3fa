# Everything comes from Debian 12 or 13 (libtorch also from pip); tools/install_dependencies.sh names the packages.
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
# Header-only, so that an installation of ours needs nothing of it; Debian's package configuration asks for its library.
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)
if(ESPALIER_STATIC)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
endif()
pkg_check_modules(NETTLE REQUIRED IMPORTED_TARGET nettle)
find_package(Threads REQUIRED)

# Text and data.
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
find_package(ZLIB REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)

if(ESPALIER_TORCH)
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  include(cmake/torch.cmake)
  # Debian's dnnl package configuration asks for OpenCL, so oneDNN is linked by name.
  find_library(DNNL_LIBRARY dnnl REQUIRED)
  find_path(DNNL_INCLUDE_DIR dnnl.hpp REQUIRED)
endif()

# Debian's fmt is a shared library only; its headers hold the whole of it, which fmt_static.cpp compiles once.
if(ESPALIER_STATIC)
  add_library(espalier_fmt STATIC ${CMAKE_CURRENT_LIST_DIR}/fmt_static.cpp)
  target_include_directories(
    espalier_fmt SYSTEM PUBLIC $<BUILD_INTERFACE:$<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>>)
endif()
