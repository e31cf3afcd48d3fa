# `cmake --install`: the program, the libraries, the headers as <espalier/...> and a package for find_package(espalier).
include(CMakePackageConfigHelpers)
set(espalier_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/espalier)

install(TARGETS espalier_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(ESPALIER_TORCH)
  install(TARGETS espalier_train_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set_target_properties(espalier_core PROPERTIES EXPORT_NAME core)
install(TARGETS espalier_core EXPORT espalierCoreTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT espalierCoreTargets NAMESPACE espalier:: DESTINATION ${espalier_package_dir})
set(espalier_header_folders ${core_folders})

if(ESPALIER_TORCH)
  set(espalier_engine_targets espalier espalier_infer espalier_text)
  set_target_properties(espalier_text PROPERTIES EXPORT_NAME text)
  set_target_properties(espalier_infer PROPERTIES EXPORT_NAME infer)
  if(TARGET espalier_kernels)
    list(APPEND espalier_engine_targets espalier_kernels)
    set_target_properties(espalier_kernels PROPERTIES EXPORT_NAME kernels)
  endif()
  install(TARGETS ${espalier_engine_targets} EXPORT espalierEngineTargets
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT espalierEngineTargets NAMESPACE espalier:: DESTINATION ${espalier_package_dir})
  list(APPEND espalier_header_folders ${text_folders} kernels ${infer_folders} ${engine_folders})
endif()

# Inside the tree sources say "base/error.h"; installed headers live in include/espalier/ and are rewritten to say
# "espalier/base/error.h", so that they clash with nobody else's base/.
install(CODE "
  set(source_root \"${PROJECT_SOURCE_DIR}/src\")
  set(destination \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}/espalier\")
  set(folders \"${espalier_header_folders}\")
  include(\"${PROJECT_SOURCE_DIR}/cmake/install_headers.cmake\")
")

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/espalierConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/espalierConfig.cmake
                              INSTALL_DESTINATION ${espalier_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/espalierConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/espalierConfig.cmake ${PROJECT_BINARY_DIR}/espalierConfigVersion.cmake
        DESTINATION ${espalier_package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
