#include "report/token_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/expert_map.h"
#include "report/expert_use.h"
#include "report/html.h"

namespace espalier {
namespace {

constexpr std::size_t kTokens = 8, kContexts = 3;  // of one expert
constexpr double kLeastCount = 3;                  // a token seen once has a lift by chance

using Lifts = std::map<std::pair<int, int>, std::vector<TokenLift>>;
using Examples = std::map<std::pair<int, int>, std::vector<const TokenExample*>>;

/// Line ends and tabs as signs, so that a token is one line.
std::string visible(const std::string& text) {
  std::string shown;
  for (const char c : text) {
    if (c == '\n') {
      shown += "\u23ce";
    } else if (c == '\t') {
      shown += "\u21e5";
    } else if (c != '\r') {
      shown += c;
    }
  }
  return escape_html(shown);
}

/// The token's text, its number where there is none.
std::string token_html(const Observations& observations, std::int64_t id) {
  const auto found = observations.token_text.find(id);
  return found == observations.token_text.end() ? fmt::format("#{}", id) : visible(found->second);
}

std::string lifts_html(const Observations& observations, const std::vector<TokenLift>& lifts) {
  std::string html;
  for (const TokenLift& lift : lifts) {
    html += fmt::format("<b title=\"{:.4g} of {:.4g}\">{}</b> <span class=\"around\">{}\u00d7</span> ",
                        lift.count, lift.pairs, token_html(observations, lift.token), cell_number(lift.lift));
  }
  return html;
}

std::string contexts_html(const Observations& observations,
                          const std::vector<const TokenExample*>& examples) {
  std::string html;
  for (std::size_t i = 0; i < std::min(examples.size(), kContexts); ++i) {
    const TokenExample& example = *examples[i];
    html +=
        fmt::format("<div><span class=\"around\">{}</span><b>{}</b><span class=\"around\">{}</span></div>",
                    visible(example.before), token_html(observations, example.token), visible(example.after));
  }
  return html;
}

std::string layer_html(const Observations& observations, const LayerObservations& layer,
                       const LayerPlan* plan, const Lifts& lifts, const Examples& examples) {
  std::string html = fmt::format(
      "<details><summary>Layer {}</summary><div class=\"scroll\"><table><thead><tr><th "
      "scope=\"col\">expert</th><th "
      "scope=\"col\">tokens, and how many times its share</th><th scope=\"col\">in their "
      "text</th></tr></thead><tbody>",
      layer.layer);
  for (int expert = 0; expert < static_cast<int>(layer.experts()); ++expert) {
    const auto lift = lifts.find({layer.layer, expert});
    const auto example = examples.find({layer.layer, expert});
    const bool dropped = plan != nullptr && !std::binary_search(plan->keep.begin(), plan->keep.end(), expert);
    html += fmt::format(
        "<tr><th scope=\"row\">{}{}</th><td class=\"tokens\">{}</td><td class=\"tokens\">{}</td></tr>\n",
        expert, dropped ? " (dropped)" : "",
        lift == lifts.end() ? "" : lifts_html(observations, lift->second),
        example == examples.end() ? "" : contexts_html(observations, example->second));
  }
  return html + "</tbody></table></div></details>\n";
}

}  // namespace

std::string tokens_section(const Observations& observations, const Plan* plan) {
  const Lifts lifts = top_tokens(observations, kTokens, kLeastCount);
  Examples examples;
  for (const TokenExample& example : observations.examples)
    examples[{example.layer, example.expert}].push_back(&example);
  if (lifts.empty() && examples.empty()) return "";
  std::string html = fmt::format(
      "<p>Tokens that went to an expert more often than its share of all tokens, the most telling first. "
      "Behind each, how many times that share; every token counts as if it had come {:.0f} times more at "
      "the expert's own share, so that rare ones do not lead.</p>",
      kPriorPairs);
  for (const LayerObservations& layer : observations.layers) {
    const LayerPlan* layer_plan = nullptr;
    for (std::size_t i = 0; plan != nullptr && i < plan->layers.size(); ++i) {
      if (plan->layers[i].layer == layer.layer) layer_plan = &plan->layers[i];
    }
    html += layer_html(observations, layer, layer_plan, lifts, examples);
  }
  return html_section("tokens", "What each expert does", html);
}

}  // namespace espalier
