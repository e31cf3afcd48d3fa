#include "report/observations_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/expert_map.h"
#include "report/expert_use.h"
#include "report/html.h"
#include "report/page_shell.h"
#include "report/quantities.h"
#include "report/token_tables.h"

namespace espalier {
namespace {

std::string card(std::string_view name, const std::string& value, const std::string& note = {}) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd>{}</div>", name, escape_html(value),
                     note.empty() ? "" : "<dd class=\"note\">" + escape_html(note) + "</dd>");
}

std::string summary_section(const Observations& observations) {
  double tokens = 0.0;
  std::size_t experts = 0;
  for (const LayerObservations& layer : observations.layers) {
    tokens = std::max(tokens, layer.tokens);
    experts += layer.experts();
  }
  std::string html = "<dl class=\"cards\">";
  html += card("model", observations.model_type, observations.model);
  html += card("tokens", human_count(tokens));
  html += card("MoE layers", std::to_string(observations.layers.size()));
  html +=
      card("experts", std::to_string(experts), fmt::format("{} per token", observations.experts_per_token));
  html += "</dl>";
  for (const ObservedData& data : observations.data) {
    html += fmt::format("<p>{}: {} tokens in {} sequences of at most {}, seed {}, weight {:.4g}</p>",
                        escape_html(data.source), data.tokens, data.sequences, data.sequence_length,
                        data.seed, data.weight);
  }
  return html_section("observed", "Calibration run", html);
}

const LayerPlan* plan_of(const Plan* plan, int layer) {
  if (plan == nullptr) return nullptr;
  for (const LayerPlan& candidate : plan->layers) {
    if (candidate.layer == layer) return &candidate;
  }
  return nullptr;
}

/// -1 for no tokens, 0 for an even share, 1 for four times an even share.
double tone_of(double share, std::size_t experts) {
  const double relative = share * static_cast<double>(experts);
  return relative < 1 ? relative - 1 : (relative - 1) / 3;
}

ExpertRow map_row(const LayerObservations& layer, const LayerPlan* plan) {
  const std::vector<double> shares = load_shares(layer);
  ExpertRow row{layer.layer, {}};
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const bool dropped =
        plan != nullptr && !std::binary_search(plan->keep.begin(), plan->keep.end(), static_cast<int>(i));
    std::string title =
        fmt::format("layer {}, expert {}: {} of the routed tokens", layer.layer, i, human_percent(shares[i]));
    if (layer.routed[i] > 0) {
      title += fmt::format(", mean gate {:.3g}, mean output norm {:.3g}", layer.gate_sum[i] / layer.routed[i],
                           layer.norm_sum[i] / layer.routed[i]);
    }
    row.experts.push_back({tone_of(shares[i], shares.size()), dropped,
                           cell_number(shares[i] * static_cast<double>(shares.size())),
                           title + (dropped ? ", dropped" : "")});
  }
  return row;
}

std::string map_section(const Observations& observations, const Plan* plan) {
  std::vector<ExpertRow> rows;
  for (const LayerObservations& layer : observations.layers)
    rows.push_back(map_row(layer, plan_of(plan, layer.layer)));
  return html_section(
      "use", "Use of the experts",
      fmt::format(
          "<p>A row for each layer, a column for each expert: its share of the routed tokens, as a multiple "
          "of an even share.{}</p><p class=\"key\" aria-hidden=\"true\"><span>idle</span><i></i><span>4 "
          "times even</span></p>",
          plan == nullptr ? "" : " Crossed out: dropped by the plan.") +
          expert_map(rows, "Share of the routed tokens by layer and expert"));
}

std::string balance_section(const Observations& observations) {
  std::string html =
      "<p>Entropies are parts of their largest value: 1 is an even load, and a router that does not choose. "
      "Gini: 0 is "
      "even.</p><div class=\"scroll\"><table class=\"numbers\"><thead><tr><th scope=\"col\">layer</th><th "
      "scope=\"col\">load entropy</th><th scope=\"col\">router entropy</th><th scope=\"col\">largest / mean "
      "load</th><th "
      "scope=\"col\">Gini</th><th scope=\"col\">never routed</th></tr></thead><tbody>";
  for (const LayerObservations& layer : observations.layers) {
    const LoadBalance balance = load_balance(layer);
    html += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        layer.layer, human_number(balance.entropy), human_number(balance.router_entropy),
        human_number(balance.largest), human_number(balance.gini), balance.never_routed);
  }
  return html_section("balance", "Balance of the routers", html + "</tbody></table></div>");
}

std::string lost_section(const Observations& observations, const Plan* plan) {
  if (plan == nullptr) return "";
  std::string html =
      "<p>What the experts did that the plan drops: their part of each layer's routed tokens, of the gates "
      "the model used, "
      "and of gate times output norm. Tokens that lose an expert go to another.</p><div "
      "class=\"scroll\"><table "
      "class=\"numbers\"><thead><tr><th scope=\"col\">layer</th><th scope=\"col\">dropped</th><th "
      "scope=\"col\">tokens</th><th scope=\"col\">gates</th><th "
      "scope=\"col\">output</th></tr></thead><tbody>";
  for (const LostShares& lost : lost_shares(observations, *plan)) {
    html += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                        lost.layer, lost.dropped, human_percent(lost.pairs), human_percent(lost.gates),
                        human_percent(lost.output));
  }
  return html_section("lost", "What is lost", html + "</tbody></table></div>");
}

}  // namespace

std::string observations_sections(const Observations& observations, const Plan* plan,
                                  const std::string& more) {
  return summary_section(observations) + map_section(observations, plan) + more +
         lost_section(observations, plan) + balance_section(observations) +
         tokens_section(observations, plan);
}

std::string render_observations(const Observations& observations, const Plan* plan, const std::string& title,
                                const std::string& more) {
  return page_begin(title) + observations_sections(observations, plan, more) + page_end("");
}

}  // namespace espalier
