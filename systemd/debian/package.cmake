# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian package: `cpack -G DEB` in a build folder. It holds what the component "runtime" installs.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME memtuned)
set(CPACK_PACKAGE_CONTACT "The memtuned authors <memtuned@example.org>")
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/package")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.54~), default-dbus-system-bus | dbus-system-bus")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS polkitd)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"memtuned reads memory pressure (PSI, zone watermarks, swap and reclaim rates),
applies rules that administrators edit as TOML files, one for each kind of
workload, and adjusts vm.swappiness, vm.min_free_kbytes,
vm.watermark_scale_factor, vm.zone_reclaim_mode and others, and how soon the
OOM killer takes each service.
.
It says over D-Bus what it did, why, and what would change it; memtunectl is
its command line. A value that somebody else sets is left to them, and every
value is put back when memtuned stops.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(file IN ITEMS postinst prerm postrm conffiles)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${CMAKE_CURRENT_LIST_DIR}/${file}")
endforeach()

find_program(GZIP_PROGRAM gzip REQUIRED)

# compressed(FILE DESTINATION): as Debian wants manual pages and changelogs, without a time inside.
function(install_compressed file destination)
  cmake_path(GET file FILENAME name)
  set(packed "${PROJECT_BINARY_DIR}/compressed/${name}.gz")
  add_custom_command(OUTPUT "${packed}" COMMAND "${GZIP_PROGRAM}" -9nc "${file}" > "${packed}" DEPENDS "${file}" VERBATIM)
  add_custom_target("compressed_${name}" ALL DEPENDS "${packed}")
  install(FILES "${packed}" DESTINATION "${destination}")
endfunction()

file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/compressed")
configure_file("${CMAKE_CURRENT_LIST_DIR}/changelog.in" "${PROJECT_BINARY_DIR}/changelog" @ONLY)
install_compressed("${PROJECT_BINARY_DIR}/changelog" ${CMAKE_INSTALL_DOCDIR})
install(FILES "${CMAKE_CURRENT_LIST_DIR}/copyright" DESTINATION ${CMAKE_INSTALL_DOCDIR})

include(CPack)
