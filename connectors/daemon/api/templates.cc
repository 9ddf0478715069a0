// Mail templates: those in force, one, the mail about a record as it would be written now.
#include "connectors/daemon/api/api.h"
#include "connectors/daemon/api/view_query.h"
#include "connectors/daemon/template_book.h"

namespace dealwright::daemon::api {
namespace {

using http::Request;

constexpr const char* kNamePattern = "^[a-z0-9][a-z0-9-]{0,99}(\\.[A-Za-z0-9-]{1,35})?$";

std::string_view status_of(const PublishedTemplate& one) {
  return one.retired ? "retired" : "published";
}

Result<Page> list(Parts& parts) {
  DW_TRY(const auto known, published_templates(parts.workspace));
  Page out;
  out.rows.columns = {
      {"template", "text"}, {"version", "int"}, {"status", "text"}, {"bytes", "int"}};
  for (const auto& one : known) {
    out.rows.rows.push_back({Value{one.id}, Value{one.version}, Value{status_of(one)},
                             Value{static_cast<std::int64_t>(one.text.size())}});
  }
  return out;
}

Result<Value> show(Parts& parts, const std::string& name) {
  DW_TRY(const auto known, published_templates(parts.workspace));
  const auto* found = find_template(known, name);
  if (found == nullptr) return unknown_template(known, name);
  return Value{Map{{"template", Value{found->id}},
                   {"version", Value{found->version}},
                   {"status", Value{status_of(*found)}},
                   {"text", Value{found->text}}}};
}

Result<RecordKey> record_of(const Request& request, std::string_view name) {
  const std::string text{request.query.get(name)};
  auto key = parse_record_key(text);
  if (key.kind != Kind::kForeign) return key;
  return Error{Code::kNotFound,
               std::string{name} + ": '" + text + "' names no record; write such as deal/d1"};
}

Result<Value> preview(Parts& parts, const Request& request) {
  PreviewAsked asked;
  asked.name = request.param("name");
  DW_TRY(asked.about, record_of(request, "record"));
  if (request.query.has("to")) {
    DW_TRY(asked.to, record_of(request, "to"));
  }
  asked.language = request.query.get("language");
  asked.purpose = request.query.get("purpose", "marketing");
  DW_TRY(const auto now, now_of(parts));
  auto mail = preview_template(parts.workspace, asked, now);
  // The request is sound; what it asks for cannot be written.
  if (!mail && mail.error().code == Code::kInvalid)
    return Error{Code::kRefused, mail.error().detail};
  if (!mail) return mail.error();
  return Value{std::move(mail.value())};
}

http::Parameter name_parameter() { return segment("name", "NAME, or NAME.LANGUAGE", kNamePattern); }

}  // namespace

void add_template_routes(Parts& parts, Routes& out) {
  auto all = get("/v1/templates", "list_templates", "Mail templates in force, and retired ones",
                 "templates", [&parts](Request& request) {
                   std::function<Result<Page>()> work = [&parts] { return list(parts); };
                   return answer_page(parts, request, std::move(work));
                 });
  all.gives = {"application/json", "text/csv", "application/x-ndjson"};
  all.fields = {"Dealwright-Columns"};
  all.answer_schema = "TemplateRows";
  add_waiting(all);
  out.push_back(std::move(all));

  auto one = get("/v1/templates/{name}", "get_template", "The text of one, as it was published",
                 "templates", [&parts](Request& request) {
                   std::function<Result<Value>()> work = [&parts, name = request.param("name")] {
                     return show(parts, name);
                   };
                   return answer_value(parts, request, std::move(work));
                 });
  one.parameters.push_back(name_parameter());
  one.answer_schema = "Template";
  one.problems = {"not_found"};
  add_waiting(one);
  out.push_back(std::move(one));

  auto shown = post("/v1/templates/{name}/preview", "preview_template",
                    "The mail about a record as it would be written now; nothing is sent",
                    "templates", readers(), [&parts](Request& request) {
                      std::function<Result<Value>()> work = [&parts, &request] {
                        return preview(parts, request);
                      };
                      return answer_value(parts, request, std::move(work));
                    });
  shown.parameters.push_back(name_parameter());
  auto record = text("record", "what it is about: <kind>/<id>");
  record.required = true;
  shown.parameters.push_back(std::move(record));
  shown.parameters.push_back(text("to", "whom it goes to; else the record's contact or lead"));
  shown.parameters.push_back(text("language", "de, pt-BR; else the recipient's"));
  shown.parameters.push_back(text("purpose", "as the rule names it; marketing if left out"));
  shown.answer_schema = "MailPreview";
  shown.problems = {"not_found", "invalid", "refused"};
  add_waiting(shown);
  out.push_back(std::move(shown));
}

}  // namespace dealwright::daemon::api
