# lance_add_gtest(<name> LABEL <label> SOURCES <file>... [LIBRARIES <target>...])
#
# One test program, run as one test: its cases share a process, as the calls of a real user do.
# The system memory pool lets the sanitizers and valgrind see every Arrow buffer.
include_guard()
find_package(GTest REQUIRED)

function(lance_add_gtest name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL" "SOURCES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE lance_test_support GTest::gtest_main ${arg_LIBRARIES})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL}
                       ENVIRONMENT "ARROW_DEFAULT_MEMORY_POOL=system")
endfunction()
