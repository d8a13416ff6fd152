# Arrow C++ from the pyarrow wheel, which has headers and libraries but no CMake package.
#
# Defines Arrow::arrow_shared, Parquet::parquet_shared and ArrowDataset::arrow_dataset_shared, and what the last one
# needs, as Arrow's own packages do.
# PYARROW_DIR, the directory of the Python package, is asked from Python unless it is set.

if(NOT PYARROW_DIR)
  find_package(Python3 COMPONENTS Interpreter QUIET)
  execute_process(
    COMMAND "${Python3_EXECUTABLE}" -c
            "from importlib.util import find_spec; print(find_spec('pyarrow').submodule_search_locations[0])"
    OUTPUT_VARIABLE PYARROW_DIR OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()

set(config "${PYARROW_DIR}/include/arrow/util/config.h")
if(EXISTS "${config}")
  file(READ "${config}" config)
  string(REGEX MATCH "ARROW_VERSION_STRING \"([0-9.]+)" _ "${config}")
  set(ArrowFromPyArrow_VERSION "${CMAKE_MATCH_1}")
  string(REGEX MATCH "ARROW_SO_VERSION \"([0-9]+)" _ "${config}")
  set(so_version "${CMAKE_MATCH_1}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  ArrowFromPyArrow
  REQUIRED_VARS PYARROW_DIR so_version
  VERSION_VAR ArrowFromPyArrow_VERSION HANDLE_VERSION_RANGE
  REASON_FAILURE_MESSAGE
    "Install pyarrow, or set PYARROW_DIR, or Python3_EXECUTABLE to a Python that has it.")

if(ArrowFromPyArrow_FOUND)
  # Each after those it needs. ArrowCompute was a part of Arrow itself before version 21.
  set(found "")
  foreach(library IN ITEMS Arrow::arrow Parquet::parquet ArrowCompute::arrow_compute ArrowAcero::arrow_acero
          ArrowDataset::arrow_dataset)
    string(REGEX REPLACE ".*::" "" file "${library}")
    set(location "${PYARROW_DIR}/lib${file}.so.${so_version}")
    if(NOT EXISTS "${location}")
      continue()
    endif()
    if(NOT TARGET ${library}_shared)
      add_library(${library}_shared SHARED IMPORTED GLOBAL)
      set_target_properties(${library}_shared PROPERTIES
        IMPORTED_LOCATION "${location}"
        IMPORTED_SONAME lib${file}.so.${so_version}
        INTERFACE_INCLUDE_DIRECTORIES "${PYARROW_DIR}/include"
        INTERFACE_COMPILE_FEATURES cxx_std_20)
      target_link_libraries(${library}_shared INTERFACE ${found})
    endif()
    list(APPEND found ${library}_shared)
  endforeach()
endif()
