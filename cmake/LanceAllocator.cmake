# The memory allocator of our programs. The libraries have none of their own: that is the host's choice.

set(LANCE_ALLOCATOR tcmalloc_minimal CACHE STRING
  "Library that gives our programs malloc; empty for that of the C library")

# lance_use_allocator(TARGET): decoding allocates many small buffers on many threads, which glibc is slow at.
function(lance_use_allocator target)
  if(NOT LANCE_ALLOCATOR OR LANCE_SANITIZE)
    return()
  endif()
  find_library(LANCE_ALLOCATOR_LIBRARY ${LANCE_ALLOCATOR})
  if(LANCE_ALLOCATOR_LIBRARY)
    target_link_libraries(${target} PRIVATE
      -Wl,--push-state,--no-as-needed "${LANCE_ALLOCATOR_LIBRARY}" -Wl,--pop-state)
    find_path(LANCE_TCMALLOC_INCLUDE_DIR gperftools/malloc_extension_c.h)
    if(LANCE_ALLOCATOR MATCHES "^tcmalloc" AND LANCE_TCMALLOC_INCLUDE_DIR)
      target_include_directories(${target} SYSTEM PRIVATE "${LANCE_TCMALLOC_INCLUDE_DIR}")
      target_compile_definitions(${target} PRIVATE LANCE_USES_TCMALLOC)
    endif()
  else()
    message(STATUS "${LANCE_ALLOCATOR} is not here: ${target} uses the C library's malloc, and decodes slower")
  endif()
endfunction()
