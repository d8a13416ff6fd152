# The oldest CPU that runs what is built here. The engine's loops over vectors take half as long with AVX2, which
# x86-64-v3 has; the loader of the machine that builds knows whether it could start such a program.
execute_process(COMMAND /lib64/ld-linux-x86-64.so.2 --help OUTPUT_VARIABLE loader_help ERROR_QUIET)
if(loader_help MATCHES "x86-64-v3 \\(supported")
  set(cpu_level x86-64-v3)
else()
  set(cpu_level "")
endif()
set(LANCE_CPU_LEVEL "${cpu_level}" CACHE STRING "Oldest level of x86-64 to run on, or empty for any CPU")
