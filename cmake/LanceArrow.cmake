# Arrow C++: a CMake package of Arrow 20 or newer if there is one, else the pyarrow wheel.
#
# Arrow's version file accepts a single major version, so see what is there before choosing.
# Sets LANCE_ARROW_VERSION, and LANCE_PYARROW_DIR when it is the wheel.

find_package(Arrow 9999 CONFIG QUIET)
foreach(version IN LISTS Arrow_CONSIDERED_VERSIONS)
  if(version VERSION_GREATER_EQUAL 20)
    find_package(Arrow ${version} EXACT CONFIG REQUIRED)
    find_package(Parquet ${version} EXACT CONFIG REQUIRED)
    find_package(ArrowDataset ${version} EXACT CONFIG QUIET)
    set(LANCE_ARROW_VERSION ${version})
    break()
  endif()
endforeach()

if(NOT LANCE_ARROW_VERSION)
  find_package(ArrowFromPyArrow 20 REQUIRED)
  set(LANCE_ARROW_VERSION ${ArrowFromPyArrow_VERSION})
  set(LANCE_PYARROW_DIR "${PYARROW_DIR}")
endif()
message(STATUS "Arrow C++ ${LANCE_ARROW_VERSION} ${LANCE_PYARROW_DIR}")

# What needs Arrow's dataset library is built where there is one.
option(LANCE_WITH_ARROW_DATASET "Build lance_dataset, which makes Lance an Arrow dataset" ON)
if(LANCE_WITH_ARROW_DATASET AND NOT TARGET ArrowDataset::arrow_dataset_shared)
  message(STATUS "libarrow_dataset is not here: lance_dataset is not built")
  set(LANCE_WITH_ARROW_DATASET OFF)
endif()
