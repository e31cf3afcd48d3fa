#include "prune/one_shot_rule.h"

#include <fmt/format.h>

#include <charconv>

#include "artifacts/layer_entry.h"
#include "base/error.h"
#include "base/nearest.h"

namespace espalier {
namespace {

constexpr const char* kKeepHint =
    "a whole number keeps so many experts per layer, a number with a point a fraction";
constexpr double kLeastFraction = 0.0001;

/// The whole of `text` as a number; nullopt otherwise.
template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string_view> items_of(std::string_view text) {
  std::vector<std::string_view> items;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    items.push_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    if (comma != std::string_view::npos && text.empty()) items.push_back(text);  // "3," ends in an empty item
  }
  return items;
}

std::optional<int> number_below(std::string_view text, int below) {
  const auto number = number_in<int>(text);
  return number && *number >= 0 && *number < below ? number : std::nullopt;
}

}  // namespace

KeepTarget parse_keep(std::string_view text) {
  const bool fraction = text.find('.') != std::string_view::npos;
  if (!fraction) {
    const auto count = number_in<std::int64_t>(text);
    if (!count) throw UserError(fmt::format("--keep: found \"{}\", expected a number", text), kKeepHint);
    if (*count < 1)
      throw UserError(fmt::format("--keep: found {}, expected at least 1 expert", text), kKeepHint);
    return KeepCount{*count};
  }
  const auto part = number_in<double>(text);
  if (!part || text.find_first_not_of("0123456789.") != std::string_view::npos) {
    throw UserError(fmt::format("--keep: found \"{}\", expected a number", text), kKeepHint);
  }
  if (!(*part >= kLeastFraction && *part <= 1.0)) {
    throw UserError(fmt::format("--keep: found {}, expected a fraction from {} to 1.0", text, kLeastFraction),
                    kKeepHint);
  }
  return KeepFraction{*part};
}

std::string_view plan_budget_name(PlanBudget budget) {
  return budget == PlanBudget::kPerLayer ? "per_layer" : "global";
}

PlanBudget parse_plan_budget(std::string_view name) {
  std::vector<std::string_view> names;
  for (const PlanBudget budget : {PlanBudget::kPerLayer, PlanBudget::kGlobal}) {
    names.push_back(plan_budget_name(budget));
    if (name == names.back()) return budget;
  }
  throw UserError(fmt::format("--budget: found \"{}\", expected {} or {}", name, names[0], names[1]),
                  suggestion(name, names));
}

PlanRouter parse_plan_router(std::string_view name) {
  std::vector<std::string_view> names;
  for (const PlanRouter router : {PlanRouter::kReroute, PlanRouter::kZeroOutput}) {
    names.push_back(plan_router_name(router));
    if (name == names.back()) return router;
  }
  throw UserError(fmt::format("--router: found \"{}\", expected {} or {}", name, names[0], names[1]),
                  suggestion(name, names));
}

std::vector<ExpertId> parse_experts(std::string_view text) {
  std::vector<ExpertId> experts;
  for (const std::string_view item : items_of(text)) {
    const std::size_t colon = item.find(':');
    const auto layer = number_below(item.substr(0, colon), kMostLayers);
    const auto expert =
        colon == std::string_view::npos ? std::nullopt : number_below(item.substr(colon + 1), kMostExperts);
    if (!layer || !expert) {
      throw UserError(fmt::format("--protect: found \"{}\", expected LAYER:EXPERT", item),
                      "for example 3:5,3:7 protects experts 5 and 7 of block 3");
    }
    experts.push_back({*layer, *expert});
  }
  return experts;
}

std::vector<int> parse_layers(std::string_view text) {
  std::vector<int> layers;
  for (const std::string_view item : items_of(text)) {
    const auto layer = number_below(item, kMostLayers);
    if (!layer) {
      throw UserError(fmt::format("--skip-layers: found \"{}\", expected a block number", item),
                      "for example 0,23");
    }
    layers.push_back(*layer);
  }
  return layers;
}

}  // namespace espalier
