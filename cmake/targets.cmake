# dw_library(NAME FOLDER LINK ...): every .cc of FOLDER and its sub-folders.
function(dw_library name folder)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cc)
  add_library(${name} STATIC ${sources})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name} PRIVATE dw_compiler)
  target_link_libraries(${name} ${ARG_LINK})
  target_precompile_headers(${name} PRIVATE <algorithm> <cstdint> <functional> <map> <memory>
                            <optional> <span> <string> <string_view> <variant> <vector>
                            <boost/outcome/basic_result.hpp> <boost/outcome/try.hpp>)
endfunction()

# dw_proto(NAME FOLDER): the generated Protobuf code of every .proto below FOLDER.
function(dw_proto name folder)
  file(GLOB_RECURSE protos CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.proto)
  if(NOT protos)
    return()
  endif()
  set(out ${PROJECT_BINARY_DIR}/proto)
  file(MAKE_DIRECTORY ${out})
  set(generated "")
  foreach(proto IN LISTS protos)
    file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR}/${folder} ${proto})
    string(REGEX REPLACE "\\.proto$" "" stem ${relative})
    add_custom_command(
      OUTPUT ${out}/${stem}.pb.cc ${out}/${stem}.pb.h
      COMMAND protobuf::protoc --cpp_out=${out} -I ${PROJECT_SOURCE_DIR}/${folder} ${proto}
      DEPENDS ${proto})
    list(APPEND generated ${out}/${stem}.pb.cc)
  endforeach()
  add_library(${name} STATIC ${generated})
  target_include_directories(${name} SYSTEM PUBLIC ${out})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf)
endfunction()
