# liandong_library(name …sources): a static library of the project, named after its folder.
function(liandong_library name)
  add_library(${name} STATIC ${ARGN})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/lib ${PROJECT_SOURCE_DIR}/lib/base
    PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
endfunction()

# liandong_unit_test(name libraries…): tests/unit/test_<name>.c, run by ctest as unit.<name>.
function(liandong_unit_test name)
  pkg_check_modules(CMOCKA REQUIRED QUIET IMPORTED_TARGET GLOBAL cmocka)
  add_executable(test_${name} test_${name}.c)
  target_link_libraries(test_${name} PRIVATE ${ARGN} PkgConfig::CMOCKA)
  add_test(NAME unit.${name} COMMAND test_${name})
  set_tests_properties(unit.${name} PROPERTIES TIMEOUT 300)
endfunction()
