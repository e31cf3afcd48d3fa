#include "checkpoint/shard_index.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/output_path.h"

namespace espalier {

ShardIndex parse_shard_index(std::string_view bytes, std::string_view source) {
  JsonObject object(parse_json(bytes, source), std::string(source));
  const nlohmann::json& weight_map = object.value("weight_map");
  if (!weight_map.is_object()) object.fail("weight_map", "is not an object of tensor names to file names");
  ShardIndex index;
  std::set<std::string> files;
  for (const auto& item : weight_map.items()) {
    if (!item.value().is_string() || !is_plain_file_name(item.value().get_ref<const std::string&>())) {
      object.fail(fmt::format("weight_map: {}", item.key()),
                  fmt::format("found {}, expected the name of a file in the same folder",
                              item.value().dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)));
    }
    files.insert(item.value().get<std::string>());
    index.file_of_tensor.emplace(item.key(), item.value().get<std::string>());
  }
  if (files.empty()) object.fail("weight_map", "names no tensors");
  index.files.assign(files.begin(), files.end());
  return index;
}

}  // namespace espalier
