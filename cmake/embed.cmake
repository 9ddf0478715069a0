# Run at build time: writes OUT, a source that holds each of FILES (a list with | between) as text.
#   cmake -DOUT=.. -DFILES=a|b -P embed.cmake
string(REPLACE "|" ";" files "${FILES}")
set(body "")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  string(APPEND body "    {\"${name}\", R\"dw(${text})dw\"},\n")
endforeach()
file(WRITE ${OUT} "#include \"connectors/sample/ops_files.h\"

namespace dealwright::sample {
namespace {

constexpr OpsFile kFiles[] = {
${body}};

}  // namespace

std::span<const OpsFile> ops_files() { return kFiles; }

}  // namespace dealwright::sample
")
