// Draws the dashboard's chart from its JSON endpoint; the table beside it says the same.
(async () => {
  const canvas = document.getElementById("chart");
  if (!canvas || !window.Chart) return;
  const answer = await fetch(canvas.dataset.url);
  if (!answer.ok) return;
  const { days, revenue, sales } = await answer.json();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  Chart.defaults.color = colour("--quiet");
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  const grid = { color: colour("--line") };
  const dayOf = new Intl.DateTimeFormat(document.documentElement.lang, { day: "2-digit", month: document.documentElement.lang === "fr" ? "2-digit" : "short", timeZone: "UTC" });
  const euros = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: "EUR", maximumFractionDigits: 0 });
  new Chart(canvas, {
    data: {
      labels: days.map((each) => dayOf.format(new Date(`${each.iso}T12:00:00Z`))),
      datasets: [
        { type: "line", label: revenue, data: days.map((each) => each.cents), yAxisID: "money",
          borderColor: colour("--accent"), backgroundColor: colour("--accent"), cubicInterpolationMode: "monotone", borderWidth: 2, pointRadius: 2 },
        { type: "bar", label: sales, data: days.map((each) => each.sales), yAxisID: "count",
          backgroundColor: colour("--bar"), borderRadius: 3 },
      ],
    },
    options: {
      responsive: true, maintainAspectRatio: false,
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 300 },
      interaction: { mode: "index", intersect: false },
      scales: {
        x: { grid: { display: false } },
        money: { beginAtZero: true, suggestedMax: 10000, grid, ticks: { callback: (cents) => cents % 100 ? "" : euros.format(BigInt(cents) / 100n) } },
        count: { beginAtZero: true, suggestedMax: 5, position: "right", grid: { display: false }, ticks: { precision: 0 } },
      },
      plugins: { tooltip: { callbacks: { label: (item) =>
        item.datasetIndex === 0 ? `${revenue}: ${days[item.dataIndex].revenue}` : `${sales}: ${item.formattedValue}` } } },
    },
  });
})();
