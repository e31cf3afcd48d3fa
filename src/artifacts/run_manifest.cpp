#include "artifacts/run_manifest.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "artifacts/object_reader.h"
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

RunStatus status_from(ObjectReader& reader) {
  const std::string found = reader.text("status");
  for (const auto& [status, name] : kStatusNames) {
    if (found == name) return status;
  }
  reader.wrong("status", "running, finished, interrupted or failed");
}

RunMachine machine_from(const json& value, std::string_view where) {
  ObjectReader reader(value, fmt::format("{}: machine", where));
  RunMachine machine;
  machine.cpu = reader.text("cpu");
  machine.threads = static_cast<int>(reader.integer("threads", 0, INT32_MAX));
  machine.memory_bytes = reader.whole("memory_bytes");
  reader.finish();
  return machine;
}

const json& object_in(ObjectReader& reader, std::string_view key) {
  const json& value = reader.value(key);
  if (!value.is_object()) reader.wrong(key, "an object");
  return value;
}

void read_maps(ObjectReader& reader, RunManifest& manifest) {
  for (const auto& [part, seconds] : object_in(reader, "timings_seconds").items()) {
    if (!seconds.is_number()) reader.wrong("timings_seconds", "an object from part to seconds");
    manifest.timings_seconds[part] = seconds.get<double>();
  }
  for (const auto& [name, version] : object_in(reader, "versions").items()) {
    if (!version.is_string()) reader.wrong("versions", "an object from name to version");
    manifest.versions[name] = version.get<std::string>();
  }
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
  return to_text(object, 2) + "\n";
}

RunManifest manifest_from_json(std::string_view text, std::string_view where) {
  const json value = parse_json(text, where);
  ObjectReader reader(value, where);
  reader.format("run_manifest");
  RunManifest manifest;
  manifest.verb = reader.text("verb");
  manifest.command = reader.texts("command");
  manifest.status = status_from(reader);
  manifest.message = reader.optional_text("message");
  manifest.started_at = reader.text("started_at");
  manifest.seed = reader.whole("seed");
  manifest.options = object_in(reader, "options");
  manifest.machine = machine_from(reader.value("machine"), where);
  manifest.parameters = reader.optional_whole("parameters");
  manifest.active_parameters = reader.optional_whole("active_parameters");
  read_maps(reader, manifest);
  manifest.peak_rss_bytes = reader.whole("peak_rss_bytes");
  reader.finish();
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
