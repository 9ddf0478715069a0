# Warnings, optimisation, sanitizers, ccache: one place, every target.
find_program(CCACHE ccache)
if(CCACHE)
  # Precompiled headers are cached only with these, and -fpch-preprocess for g++.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_PCH_INSTANTIATE_TEMPLATES OFF)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  endif()
endif()

set(DW_SANITIZE "" CACHE STRING "-fsanitize= list, empty for none")
add_library(dw_compiler INTERFACE)
target_compile_options(dw_compiler INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
                                             -march=x86-64-v2 -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives of these through inlined std::string and variants.
  target_compile_options(dw_compiler INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds
                                               -Wno-stringop-overflow -Wno-stringop-overread)
endif()
target_include_directories(dw_compiler INTERFACE ${PROJECT_SOURCE_DIR})
if(DW_SANITIZE)
  add_compile_options(-fsanitize=${DW_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DW_SANITIZE})
endif()
if(DW_SANITIZE MATCHES "thread")
  add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)  # the sanitizer knows no fences; locks do
endif()
if(DW_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # the fuzzer is told which branches of our libraries ran
endif()
