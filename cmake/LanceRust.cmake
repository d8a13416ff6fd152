# The Rust libraries, built by cargo and imported as targets.
#
# Every cargo call, here and in the tests, is for the whole workspace: other selections would enable other
# features of shared crates and compile the crate graph again.

find_program(LANCE_CARGO cargo HINTS "$ENV{HOME}/.cargo/bin" REQUIRED)
if(DEFINED ENV{CARGO_TARGET_DIR})
  set(cargo_target_dir "$ENV{CARGO_TARGET_DIR}")
else()
  set(cargo_target_dir "$ENV{HOME}/.cache/lance-cpp/target")
endif()
# Outside the build trees: all presets, and a fresh clone, share one build of the crate graph.
set(LANCE_CARGO_TARGET_DIR "${cargo_target_dir}" CACHE PATH "Where cargo puts its files")
set(LANCE_CARGO_PROFILE release CACHE STRING
  "Cargo profile of the Rust libraries: release, or dist for faster code that compiles for an hour")
if(LANCE_CPU_LEVEL)
  # The crate graph is another one for each level, and they leave each other alone.
  set(cargo_place "${LANCE_CARGO_TARGET_DIR}/${LANCE_CPU_LEVEL}")
  set(LANCE_CARGO_ENV "CARGO_TARGET_DIR=${cargo_place}"
    "RUSTFLAGS=-Ctarget-cpu=${LANCE_CPU_LEVEL} -Clink-arg=-Wl,-z,${LANCE_CPU_LEVEL}")
else()
  set(cargo_place "${LANCE_CARGO_TARGET_DIR}")
  set(LANCE_CARGO_ENV "CARGO_TARGET_DIR=${cargo_place}")
endif()
set(LANCE_CARGO_OUT "${cargo_place}/${LANCE_CARGO_PROFILE}")
# For cargo by hand, which would compile the crate graph again with other flags.
list(JOIN LANCE_CARGO_ENV "' '" cargo_env)
file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/cargo"
  CONTENT "#!/bin/sh\nexec env '${cargo_env}' '${LANCE_CARGO}' \"$@\"\n"
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(lance_ffi_file liblance_ffi.so.${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(LANCE_FFI_LIBRARY "${PROJECT_BINARY_DIR}/lib/${lance_ffi_file}")
set(LANCE_FFI_LINK "${PROJECT_BINARY_DIR}/lib/liblance_ffi.so")
set(LANCE_TPCGEN_LIBRARY "${PROJECT_BINARY_DIR}/lib/libtpcgen_ffi.so")
# The same library with fault points. It has the same file name, so that LD_LIBRARY_PATH selects it.
set(LANCE_FAULTS_LIBRARY "${PROJECT_BINARY_DIR}/lib-faults/${lance_ffi_file}")

set(copy "${CMAKE_COMMAND}" -E copy_if_different)

# copy_library(<variable> <from> <to>): the commands that do that. A release has no lines for debuggers, which are
# half of it, and take valgrind seconds to read.
function(copy_library commands from to)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set(${commands} COMMAND "${CMAKE_STRIP}" --strip-debug -o "${to}.stripped" "${from}"
                    COMMAND ${copy} "${to}.stripped" "${to}"
                    COMMAND "${CMAKE_COMMAND}" -E rm "${to}.stripped" PARENT_SCOPE)
  else()
    set(${commands} COMMAND ${copy} "${from}" "${to}" PARENT_SCOPE)
  endif()
endfunction()
copy_library(copy_lance_ffi "${LANCE_CARGO_OUT}/liblance_ffi.so" "${LANCE_FFI_LIBRARY}")
copy_library(copy_faults "${LANCE_CARGO_OUT}/liblance_ffi_faults.so" "${LANCE_FAULTS_LIBRARY}")

set(cargo_build "${CMAKE_COMMAND}" -E env ${LANCE_CARGO_ENV}
  "${LANCE_CARGO}" build --profile ${LANCE_CARGO_PROFILE} --locked --workspace --lib)

# Cargo alone knows what is out of date, so it is always asked. A copy that does not change keeps its time
# stamp, and nothing is linked again.
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
add_custom_target(lance_rust ALL
  COMMAND "${CMAKE_COMMAND}" "-DTARGET_DIR=${cargo_place}" "-DCHECKOUT=${PROJECT_SOURCE_DIR}"
          -P "${PROJECT_SOURCE_DIR}/cmake/ClaimCargoTargetDir.cmake"
  COMMAND ${cargo_build} --exclude lance-engine-faults --exclude lance-ffi-faults
  ${copy_lance_ffi}
  COMMAND "${CMAKE_COMMAND}" -E create_symlink ${lance_ffi_file} "${LANCE_FFI_LINK}"
  COMMAND ${copy} "${LANCE_CARGO_OUT}/libtpcgen_ffi.so" "${LANCE_TPCGEN_LIBRARY}"
  BYPRODUCTS "${LANCE_FFI_LIBRARY}" "${LANCE_FFI_LINK}" "${LANCE_TPCGEN_LIBRARY}"
  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
  COMMENT "cargo build"
  USES_TERMINAL VERBATIM)

# Apart, because only tests need the fault points, and whoever wants the program need not wait for them.
if(LANCE_BUILD_TESTS)
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/lib-faults")
  add_custom_target(lance_rust_faults ALL
    COMMAND ${cargo_build}
    ${copy_faults}
    BYPRODUCTS "${LANCE_FAULTS_LIBRARY}"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    COMMENT "cargo build, with fault points"
    USES_TERMINAL VERBATIM)
  add_dependencies(lance_rust_faults lance_rust)
endif()

# The C include roots belong to these targets alone.
add_library(LanceCpp::lance_ffi SHARED IMPORTED GLOBAL)
set_target_properties(LanceCpp::lance_ffi PROPERTIES
  IMPORTED_LOCATION "${LANCE_FFI_LIBRARY}"
  IMPORTED_SONAME ${lance_ffi_file}
  INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/rust/lance-ffi/include")
add_dependencies(LanceCpp::lance_ffi lance_rust)
add_library(lance_ffi ALIAS LanceCpp::lance_ffi)

add_library(tpcgen_ffi SHARED IMPORTED GLOBAL)
set_target_properties(tpcgen_ffi PROPERTIES
  IMPORTED_LOCATION "${LANCE_TPCGEN_LIBRARY}"
  IMPORTED_NO_SONAME TRUE
  INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/rust/tpcgen-ffi/include")
add_dependencies(tpcgen_ffi lance_rust)
