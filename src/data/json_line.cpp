#include "data/json_line.h"

#include "base/error.h"
#include "base/foreign_file.h"
#include "base/json.h"

namespace espalier {

nlohmann::json parse_json_line(std::string_view line, const std::string& where) {
  refuse_foreign_or_page(line, where);
  try {
    return parse_json(line, where);
  } catch (const UserError& error) {
    throw UserError(error.what(), "a .jsonl file holds one JSON object a line");
  }
}

}  // namespace espalier
