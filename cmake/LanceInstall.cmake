# The installed package: headers, libraries, the program, a CMake package with the components c, cpp and dataset, and
# pkg-config files.

include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/LanceCpp")

install(FILES "${LANCE_FFI_LIBRARY}" "${LANCE_FFI_LINK}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY rust/lance-ffi/include/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS lance_cpp EXPORT LanceCppTargets FILE_SET HEADERS)
install(EXPORT LanceCppTargets NAMESPACE LanceCpp:: DESTINATION "${package_dir}")
if(LANCE_WITH_ARROW_DATASET)
  install(TARGETS lance_dataset EXPORT LanceCppDatasetTargets FILE_SET HEADERS)
  install(EXPORT LanceCppDatasetTargets NAMESPACE LanceCpp:: DESTINATION "${package_dir}")
endif()
if(LANCE_BUILD_CLI)
  install(FILES "${LANCE_TPCGEN_LIBRARY}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS lance_cli)
endif()

string(REGEX MATCH "^[0-9]+" arrow_major "${LANCE_ARROW_VERSION}")
math(EXPR LANCE_ARROW_NEXT_MAJOR "${arrow_major} + 1")
configure_package_config_file(cmake/LanceCppConfig.cmake.in "${PROJECT_BINARY_DIR}/package/LanceCppConfig.cmake"
  INSTALL_DESTINATION "${package_dir}"
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/LanceCppConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(
  FILES "${PROJECT_BINARY_DIR}/package/LanceCppConfig.cmake"
        "${PROJECT_BINARY_DIR}/package/LanceCppConfigVersion.cmake"
        cmake/FindArrowFromPyArrow.cmake
  DESTINATION "${package_dir}")

if(LANCE_PYARROW_DIR)
  set(LANCE_PC_ARROW_CFLAGS " -isystem ${LANCE_PYARROW_DIR}/include")
  get_target_property(arrow_soname Arrow::arrow_shared IMPORTED_SONAME)
  set(LANCE_PC_ARROW_LIBS " -L${LANCE_PYARROW_DIR} -l:${arrow_soname}")
  if(LANCE_WITH_ARROW_DATASET)
    get_target_property(needed ArrowDataset::arrow_dataset_shared INTERFACE_LINK_LIBRARIES)
    foreach(library IN LISTS needed ITEMS ArrowDataset::arrow_dataset_shared)
      get_target_property(soname ${library} IMPORTED_SONAME)
      string(APPEND LANCE_PC_ARROW_DATASET_LIBS " -l:${soname}")
    endforeach()
  endif()
else()
  set(LANCE_PC_ARROW_REQUIRES " arrow >= ${LANCE_ARROW_VERSION}")
  set(LANCE_PC_ARROW_DATASET_REQUIRES ", arrow-dataset >= ${LANCE_ARROW_VERSION}")
endif()
set(packages lance-ffi lance-cpp)
if(LANCE_WITH_ARROW_DATASET)
  list(APPEND packages lance-dataset)
endif()
foreach(name IN LISTS packages)
  configure_file(cmake/${name}.pc.in "${PROJECT_BINARY_DIR}/package/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/package/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()
