#include "artifacts/run_manifest.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "artifacts/json_fields.h"
#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::array<std::pair<RunStatus, const char*>, 4> kStatusNames{
    {{RunStatus::kRunning, "running"},
     {RunStatus::kFinished, "finished"},
     {RunStatus::kInterrupted, "interrupted"},
     {RunStatus::kFailed, "failed"}}};

RunStatus status_from(JsonObject& object) {
  const std::string found = object.string("status");
  for (const auto& [status, name] : kStatusNames) {
    if (found == name) return status;
  }
  object.fail("status",
              fmt::format("found \"{}\", expected running, finished, interrupted or failed", found));
}

RunMachine machine_from(JsonObject object) {
  RunMachine machine;
  machine.cpu = object.string("cpu");
  machine.threads = small_count(object, "threads", 0);
  machine.memory_bytes = whole_number(object, "memory_bytes");
  object.finish();
  return machine;
}

const json& options_in(JsonObject& object) {
  const json& options = object.value("options");
  if (!options.is_object()) object.fail("options", "expected an object");
  return options;
}

}  // namespace

std::string_view status_name(RunStatus status) {
  for (const auto& [value, name] : kStatusNames) {
    if (value == status) return name;
  }
  throw InternalError(fmt::format("run status {} has no name", static_cast<int>(status)));
}

std::string manifest_to_json(const RunManifest& manifest) {
  ordered_json object{{"format", "espalier.run_manifest/1"},
                      {"verb", manifest.verb},
                      {"command", manifest.command},
                      {"status", status_name(manifest.status)}};
  if (manifest.message) object["message"] = *manifest.message;
  object["started_at"] = manifest.started_at;
  object["seed"] = manifest.seed;
  object["options"] = manifest.options;
  object["versions"] = manifest.versions;
  object["machine"] = ordered_json{{"cpu", manifest.machine.cpu},
                                   {"threads", manifest.machine.threads},
                                   {"memory_bytes", manifest.machine.memory_bytes}};
  if (manifest.parameters) object["parameters"] = *manifest.parameters;
  if (manifest.active_parameters) object["active_parameters"] = *manifest.active_parameters;
  object["timings_seconds"] = manifest.timings_seconds;
  object["peak_rss_bytes"] = manifest.peak_rss_bytes;
  return to_json_text(object, 2) + "\n";
}

RunManifest manifest_from_json(std::string_view text, std::string_view where) {
  JsonObject object(parse_json(text, where), std::string(where));
  object.expect_format("run_manifest", 1);
  RunManifest manifest;
  manifest.verb = object.string("verb");
  manifest.command = object.strings("command");
  manifest.status = status_from(object);
  manifest.message = optional_string(object, "message");
  manifest.started_at = object.string("started_at");
  manifest.seed = whole_number(object, "seed");
  manifest.options = options_in(object);
  manifest.machine = machine_from(object.object("machine"));
  manifest.parameters = optional_whole_number(object, "parameters");
  manifest.active_parameters = optional_whole_number(object, "active_parameters");
  JsonObject versions = object.object("versions");
  for (const auto& [name, version] : object.value("versions").items()) {
    manifest.versions[name] = versions.string(name);
  }
  JsonObject timings = object.object("timings_seconds");
  for (const auto& [part, seconds] : object.value("timings_seconds").items()) {
    manifest.timings_seconds[part] = timings.number(part, {0});
  }
  manifest.peak_rss_bytes = whole_number(object, "peak_rss_bytes");
  object.finish();
  return manifest;
}

void write_manifest(const std::filesystem::path& file, const RunManifest& manifest) {
  write_file(file, manifest_to_json(manifest));
}

RunManifest read_manifest(const std::filesystem::path& file) {
  return manifest_from_json(read_file(file), file.string());
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[sizeof "2025-01-31T23:59:59Z"];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace espalier
