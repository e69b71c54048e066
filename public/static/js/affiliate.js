/* The affiliate's pages: a chart beside its table, and buttons that copy. Both can be done without. */
(() => {
  "use strict";
  for (const button of document.querySelectorAll("[data-copy]")) {
    const words = button.textContent;
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        field.select();
        if (!document.execCommand("copy")) return;
      }
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  }

  const canvas = document.getElementById("months");
  const data = document.getElementById("months-data");
  if (!canvas || !data || !window.Chart) return;
  const { months, series } = JSON.parse(data.textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colours = { earned: colour("--accent"), clawed_back: colour("--bad"), paid_out: colour("--good") };
  const euros = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: "EUR", maximumFractionDigits: 0 });
  Chart.defaults.color = colour("--muted");
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  new Chart(canvas, {
    type: "bar",
    data: {
      labels: months,
      datasets: series.map((each) => ({
        label: each.label, data: each.cents, backgroundColor: colours[each.name], borderRadius: 3,
      })),
    },
    options: {
      responsive: true, maintainAspectRatio: false,
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 300 },
      interaction: { mode: "index", intersect: false },
      scales: {
        x: { grid: { display: false } },
        y: { beginAtZero: true, suggestedMax: 10000, grid: { color: colour("--line") },
          ticks: { callback: (cents) => cents % 100 ? "" : euros.format(BigInt(cents) / 100n) } },
      },
      plugins: { tooltip: { callbacks: {
        label: (item) => `${series[item.datasetIndex].label}: ${series[item.datasetIndex].texts[item.dataIndex]}` } } },
    },
  });
})();
