# How our own code is compiled. Imported targets are SYSTEM, so their headers are exempt from warnings.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Where ccache is installed, clones share what is compiled without precompiled headers, wherever they are.
find_program(LANCE_CCACHE ccache)
if(LANCE_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros "${LANCE_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

if(PROJECT_IS_TOP_LEVEL)
  add_compile_options(-Wall -Wextra -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 sees an overlap in every "text" + std::string() (GCC bug 105651), and reads of what a
    # std::optional does not hold (GCC bug 80635).
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict;-Wno-maybe-uninitialized>")
  endif()
endif()

if(LANCE_SANITIZE)
  # An error must fail the test, so nothing is recovered from.
  add_compile_options(-fsanitize=${LANCE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LANCE_SANITIZE})
endif()

if(LANCE_CPU_LEVEL)
  # The loader refuses to start on an older CPU what is marked like this, and says why.
  add_compile_options(-march=${LANCE_CPU_LEVEL})
  add_link_options(-Wl,-z,${LANCE_CPU_LEVEL})
endif()
