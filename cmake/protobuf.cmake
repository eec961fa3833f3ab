# liandong_protobuf(target file.proto …): C code from protobuf files, in the build tree only.
find_program(PROTOC_C protoc-c REQUIRED)
function(liandong_protobuf target)
  set(generated)
  foreach(proto ${ARGN})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    add_custom_command(
      OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${stem}.pb-c.c ${CMAKE_CURRENT_BINARY_DIR}/${stem}.pb-c.h
      COMMAND ${PROTOC_C} --proto_path=${CMAKE_CURRENT_SOURCE_DIR}
              --c_out=${CMAKE_CURRENT_BINARY_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${proto}
      DEPENDS ${ARGN} VERBATIM)
    list(APPEND generated ${CMAKE_CURRENT_BINARY_DIR}/${stem}.pb-c.c)
  endforeach()
  add_library(${target} STATIC ${generated})
  target_compile_options(${target} PRIVATE -w)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${target} PUBLIC PkgConfig::PROTOBUF_C)
endfunction()
