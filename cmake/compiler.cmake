# Warnings, optimisation, sanitizers, ccache: one place, every target.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
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
