# How test programs are built and registered. One program is one test: its cases share a process, as the
# calls of a real user do.
include_guard()
find_package(GTest REQUIRED)
find_program(LANCE_VALGRIND valgrind REQUIRED)

# lance_add_gtest(<name> LABEL <label> SOURCES <file>... [LIBRARIES <target>...])
#
# The system memory pool lets the sanitizers and valgrind see every Arrow buffer.
function(lance_add_gtest name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL" "SOURCES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE lance_test_support GTest::gtest_main ${arg_LIBRARIES})
  if(TARGET lance_test_headers)
    target_precompile_headers(${name} REUSE_FROM lance_test_headers)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL}
                       ENVIRONMENT "ARROW_DEFAULT_MEMORY_POOL=system")
endfunction()

# lance_add_valgrind_test(<name> [<argument>...])
#
# Runs a registered test program again under valgrind, which sees into the Rust library, where the sanitizers
# of C++ do not. Uninitialised values are left out: Rust's optimiser branches on bytes that do not matter.
function(lance_add_valgrind_test name)
  if(LANCE_SANITIZE)
    return()
  endif()
  get_test_property(${name} LABELS labels)
  get_test_property(${name} ENVIRONMENT environment)
  add_test(NAME ${name}.valgrind
           COMMAND ${LANCE_VALGRIND} --quiet --trace-children=yes --leak-check=full --undef-value-errors=no
                   --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect
                   --error-exitcode=9 $<TARGET_FILE:${name}> ${ARGN})
  set_tests_properties(${name}.valgrind PROPERTIES LABELS "${labels}")
  if(environment)
    set_tests_properties(${name}.valgrind PROPERTIES ENVIRONMENT "${environment}")
  endif()
endfunction()
