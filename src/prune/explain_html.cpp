#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "prune/explain.h"
#include "report/expert_map.h"
#include "report/html.h"
#include "report/page_shell.h"
#include "report/quantities.h"

namespace espalier {
namespace {

std::string score_cell(const ExplainedExpert& expert) {
  if (!expert.score || std::isnan(*expert.score)) return "\u2013";
  return fmt::format("{:.4g}", *expert.score);
}

/// What the pointer reads on an expert.
std::string title_of(const ExplainedExpert& expert, int layer) {
  std::string title = fmt::format("layer {}, expert {}: {}", layer, expert.expert, fate_name(expert.fate));
  if (!expert.reason.empty()) title += ", " + expert.reason;
  if (expert.reason.empty() && expert.score) title += ", score " + score_cell(expert);
  return title;
}

/// Scores against their layer's mean: -1 none of it, 1 twice as much or more.
ExpertRow map_row(const ExplainedLayer& layer) {
  double sum = 0.0;
  int known = 0;
  for (const ExplainedExpert& expert : layer.experts) {
    if (!expert.score || std::isnan(*expert.score)) continue;
    sum += *expert.score;
    ++known;
  }
  ExpertRow row{layer.layer, {}};
  for (const ExplainedExpert& expert : layer.experts) {
    const bool positive = known > 0 && sum > 0 && expert.score;
    const double score = !expert.score || std::isnan(*expert.score) ? 0.0 : *expert.score;
    const double multiple = positive ? score / (sum / known) : std::nan("");
    row.experts.push_back({positive ? multiple - 1 : 0.0, expert.fate != ExpertFate::kKept,
                           cell_number(multiple), title_of(expert, layer.layer)});
  }
  return row;
}

std::string card(std::string_view name, const std::string& value, const std::string& note = {}) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd>{}</div>", name, escape_html(value),
                     note.empty() ? "" : "<dd class=\"note\">" + escape_html(note) + "</dd>");
}

std::string cards(const Explanation& explanation) {
  const PlanSummary& summary = explanation.summary;
  std::string html = "<dl class=\"cards\">";
  html += card("criterion", explanation.plan.provenance.criterion);
  html += card("schedule", explanation.plan.provenance.schedule);
  html += card("experts that stay", fmt::format("{} of {}", summary.experts_after, summary.experts_before));
  html += card("in each layer", summary.fewest_kept == summary.most_kept
                                    ? std::to_string(summary.most_kept)
                                    : fmt::format("{} to {}", summary.fewest_kept, summary.most_kept));
  html += card("router", std::string(plan_router_name(explanation.plan.router)));
  html += card("experts per token", std::to_string(explanation.plan.experts_per_token));
  if (summary.bytes_after) {
    html += card("bytes of experts", human_bytes(static_cast<double>(*summary.bytes_after)),
                 "of " + human_bytes(static_cast<double>(*summary.bytes_before)));
  }
  return html + "</dl>";
}

std::string layer_table(const ExplainedLayer& layer) {
  std::string html = fmt::format(
      "<details><summary>Layer {}: {} of {} stay</summary><div class=\"scroll\"><table><thead><tr><th "
      "scope=\"col\">expert</th><th scope=\"col\">was</th><th scope=\"col\"></th><th "
      "scope=\"col\">score</th><th "
      "scope=\"col\">tokens</th><th scope=\"col\">reason</th></tr></thead><tbody>",
      layer.layer, layer.kept, layer.experts.size());
  for (const ExplainedExpert& expert : layer.experts) {
    html += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        expert.expert, expert.original, fate_name(expert.fate), score_cell(expert),
        expert.tokens ? std::to_string(*expert.tokens) : "\u2013", escape_html(expert.reason));
  }
  html += "</tbody></table></div>";
  for (const ExpertMerge& group : layer.groups) {
    html += fmt::format("<p>Expert {} becomes", group.into);
    for (std::size_t i = 0; i < group.from.size(); ++i)
      html += fmt::format("{} {:.4g} of {}", i == 0 ? "" : " +", group.weights[i], group.from[i]);
    html += "</p>";
  }
  return html + "</details>\n";
}

}  // namespace

std::string to_html(const Explanation& explanation, const std::string& title) {
  std::vector<ExpertRow> rows;
  std::string tables;
  for (const ExplainedLayer& layer : explanation.layers) {
    rows.push_back(map_row(layer));
    tables += layer_table(layer);
  }
  const std::string map =
      "<p>A row for each layer, a column for each expert, with its score as a multiple of the layer's "
      "mean where scores are known. Crossed out: dropped.</p>" +
      expert_map(rows, "Experts that stay and go");
  return page_begin(title) + html_section("summary", "Plan", cards(explanation)) +
         html_section("map", "Experts", map) + html_section("layers", "Layer by layer", tables) +
         page_end("");
}

}  // namespace espalier
