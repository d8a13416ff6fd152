# Several checkouts may share one cargo target directory, but the shared libraries there carry no hash in
# their names: what another checkout built last would pass for up to date. So the checkout that built last
# is noted, and after a change our own crates (not their dependencies) are built again.
#
# usage: cmake -DTARGET_DIR=... -DCHECKOUT=... -P ClaimCargoTargetDir.cmake

set(owner_file "${TARGET_DIR}/lance-cpp-checkout")
set(owner "")
if(EXISTS "${owner_file}")
  file(READ "${owner_file}" owner)
endif()
if(NOT owner STREQUAL CHECKOUT)
  foreach(crate IN ITEMS contain lance-engine lance-engine-faults lance-ffi lance-ffi-faults tpcgen-ffi)
    file(GLOB fingerprints "${TARGET_DIR}/release/.fingerprint/${crate}-*")
    if(fingerprints)
      file(REMOVE_RECURSE ${fingerprints})
    endif()
  endforeach()
  file(WRITE "${owner_file}" "${CHECKOUT}")
endif()
