#include "report/window_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html.h"
#include "report/quantities.h"
#include "report/window_shares.h"

namespace espalier {
namespace {

using nlohmann::ordered_json;

/// "window 2 (steps 13 to 25)", "window 2" where the scores do not say which steps.
std::string window_text(const RunFolder& run, std::size_t index) {
  const auto& window = run.scores[index].window;
  if (!window) return fmt::format("window {}", index + 1);
  return fmt::format("window {} (steps {} to {})", index + 1, window->first_step, window->last_step);
}

std::size_t survivors(const WindowShares& table) {
  return static_cast<std::size_t>(std::count(table.dropped.begin(), table.dropped.end(), std::nullopt));
}

std::string caption_of(const WindowShares& table) {
  const std::size_t windows = table.shares.size();
  return fmt::format("{} of {} experts left after {} window{}", survivors(table), table.experts.size(),
                     windows, windows == 1 ? "" : "s");
}

/// Every expert's number, which page.js gives its colour; those that are left stand out.
std::string expert_key(const WindowShares& table) {
  std::string html = "<p class=\"experts\" aria-hidden=\"true\">";
  for (std::size_t i = 0; i < table.experts.size(); ++i) {
    html += fmt::format("<span data-expert=\"{0}\"{1}>{0}</span>", table.experts[i],
                        table.dropped[i] ? "" : " class=\"left\"");
  }
  return html + "</p>";
}

/// The first and the last window's share of an expert that was there; windows are never empty.
std::pair<double, double> first_and_last(const WindowShares& table, std::size_t expert) {
  double first = std::nan(""), last = std::nan("");
  for (const auto& shares : table.shares) {
    if (std::isnan(shares[expert])) continue;
    if (std::isnan(first)) first = shares[expert];
    last = shares[expert];
  }
  return {first, last};
}

std::string share_table(const RunFolder& run, const WindowShares& table) {
  std::string html =
      "<details><summary>As a table</summary><table><thead><tr><th scope=\"col\">expert</th><th "
      "scope=\"col\">first</th>"
      "<th scope=\"col\">last</th><th scope=\"col\">dropped after</th></tr></thead><tbody>";
  for (std::size_t i = 0; i < table.experts.size(); ++i) {
    const auto [first, last] = first_and_last(table, i);
    std::string dropped = "\u2013";
    if (const auto& drop = table.dropped[i]) {
      dropped = window_text(run, drop->window) + (drop->reason.empty() ? "" : ": " + drop->reason);
    }
    html += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
                        table.experts[i], human_percent(first), human_percent(last), escape_html(dropped));
  }
  return html + "</tbody></table></details>";
}

std::string figure_html(const RunFolder& run, std::size_t run_index, const WindowShares& table,
                        bool several) {
  const std::string of =
      several ? fmt::format("<span class=\"run run-{}\">{}</span> ", run_index % 6, escape_html(run.name))
              : "";
  const std::string caption = caption_of(table);
  return fmt::format(
      "<figure class=\"chart windows\" id=\"windows-{0}-{1}\"><figcaption>{2}<h3>Layer {1}</h3> <span "
      "class=\"unit\">{3}</span></figcaption><div class=\"plot\" role=\"img\" aria-label=\"{4}\"></div>{5}"
      "<p class=\"readout\" aria-hidden=\"true\"></p>{6}</figure>\n",
      run_index, table.layer, of, caption,
      escape_html(
          fmt::format("Experts' shares in {} layer {} by window; {}", run.name, table.layer, caption)),
      expert_key(table), share_table(run, table));
}

ordered_json figure_data(const RunFolder& run, std::size_t run_index, const WindowShares& table) {
  ordered_json titles = ordered_json::array(), rows = ordered_json::array(), dropped = ordered_json::array();
  for (std::size_t window = 0; window < table.shares.size(); ++window) {
    titles.push_back(window_text(run, window));
    ordered_json& row = rows.emplace_back(ordered_json::array());
    for (const double share : table.shares[window]) {
      row.push_back(std::isnan(share) ? ordered_json(nullptr) : ordered_json(std::round(share * 1e4) / 1e4));
    }
  }
  for (const auto& drop : table.dropped) {
    dropped.push_back(drop ? ordered_json(drop->window) : ordered_json(nullptr));
  }
  return {{"id", fmt::format("windows-{}-{}", run_index, table.layer)},
          {"experts", table.experts},
          {"titles", titles},
          {"shares", rows},
          {"dropped", dropped}};
}

}  // namespace

WindowFigures window_figures(const std::vector<RunFolder>& runs) {
  WindowFigures figures{.html = "", .data = ordered_json::array()};
  for (std::size_t run = 0; run < runs.size(); ++run) {
    for (const WindowShares& table : window_shares(runs[run])) {
      figures.html += figure_html(runs[run], run, table, runs.size() > 1);
      figures.data.push_back(figure_data(runs[run], run, table));
    }
  }
  return figures;
}

}  // namespace espalier
