// The consoles' own script: shortcuts, suggestions, typing into a list, copying. No library.
const token = document.querySelector('meta[name="csrf-token"]').content;
const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll(".who[open], .menu-button[open]").forEach((each) => each.removeAttribute("open"));
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const go = { "/": "everywhere", f: "find" }[event.key];
  const field = go && document.getElementById(go);
  if (field) { event.preventDefault(); field.focus(); field.select(); }
  if (event.key === "n") document.getElementById("new")?.click();
  if (event.key === "?") {
    document.getElementById("shortcuts").showModal();
  }
});

document.addEventListener("click", async (event) => {
  document.querySelectorAll(".who[open]").forEach((each) => each.contains(event.target) || each.removeAttribute("open"));
  const copy = event.target.closest("[data-copy]");
  if (!copy) return;
  const code = copy.closest(".snippet").querySelector("code");
  try { await navigator.clipboard.writeText(code.textContent); }
  catch { getSelection().selectAllChildren(code); return; }
  const words = copy.textContent;
  copy.textContent = copy.dataset.copied;
  setTimeout(() => { copy.textContent = words; }, 1500);
});

// One box ticks all the rows of the page; it stands for itself only where this script runs.
document.querySelectorAll("[data-tick-all]").forEach((all) => {
  const rows = [...all.closest("table").querySelectorAll("[name=rowid]")];
  const tell = () => { const n = rows.filter((row) => row.checked).length; all.checked = n === rows.length; all.indeterminate = n > 0 && n < rows.length; };
  all.hidden = false; tell();
  all.addEventListener("change", () => rows.forEach((row) => { row.checked = all.checked; }));
  rows.forEach((row) => row.addEventListener("change", tell));
});

// A run asked for by hand: the page looks again until it has ended.
if (document.querySelector("[data-again]")) setTimeout(() => location.reload(), 1500);

// A field that points at a record: what is typed is looked up, what is chosen travels as its key.
document.querySelectorAll(".reference").forEach((box, place) => {
  const [key, shown] = box.querySelectorAll("input");
  const list = document.createElement("ul");
  list.className = "options"; list.id = `options-${place}`; list.hidden = true; list.setAttribute("role", "listbox");
  box.append(list); shown.setAttribute("aria-controls", list.id);
  const base = shown.dataset.url || new URL(`../ajax/lookup/?name=${shown.dataset.lookup}`, location.href).href;
  let at = -1, waiting, asked = new AbortController();
  const forget = () => { clearTimeout(waiting); asked.abort(); };
  const open = (yes) => { list.hidden = !yes; shown.setAttribute("aria-expanded", String(yes)); };
  const mark = (n) => {
    at = n;
    [...list.children].forEach((each, place) => each.setAttribute("aria-selected", String(place === at)));
    list.children[at] ? shown.setAttribute("aria-activedescendant", list.children[at].id) : shown.removeAttribute("aria-activedescendant");
  };
  const close = () => { forget(); list.replaceChildren(); mark(-1); open(false); };
  const tell = () => shown.setCustomValidity(shown.value.trim() && !key.value ? document.body.dataset.choose : "");
  const choose = (option) => { key.value = option.dataset.key; shown.value = option.textContent; tell(); close(); };
  // Only the last question's answer is shown, and none after the list was left; what was
  // marked by the arrows stays marked where the new answer has it too.
  const ask = async () => {
    forget();
    const { signal } = asked = new AbortController();
    const url = new URL(base, location.href); url.searchParams.set("query", shown.value);
    const answer = await fetch(url, { signal }).then((it) => it.ok ? it.json() : null).catch(() => null);
    if (!answer || signal.aborted) return;
    const marked = list.children[at]?.dataset.key;
    list.replaceChildren(...answer.map(([value, words], n) => {
      const option = document.createElement("li");
      Object.assign(option, { textContent: words, id: `${list.id}-${n}` });
      option.dataset.key = value; option.setAttribute("role", "option");
      option.addEventListener("mousedown", (event) => { event.preventDefault(); choose(option); });
      return option;
    }));
    mark(answer.findIndex(([value]) => String(value) === marked)); open(answer.length > 0);
  };
  shown.addEventListener("input", () => { key.value = ""; tell(); forget(); waiting = setTimeout(ask, 180); });
  shown.addEventListener("focus", ask);
  shown.addEventListener("blur", close);
  shown.addEventListener("keydown", (event) => {
    const last = list.children.length - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else mark(event.key === "ArrowDown" ? (at < last ? at + 1 : 0) : (at > 0 ? at - 1 : last));
    } else if (event.key === "Enter" && list.children[at]) { event.preventDefault(); choose(list.children[at]); }
    else if (event.key === "Escape") close();
  });
});

// Typing into a cell of a list: Enter saves, Escape leaves it as it was. In a text of several
// lines Enter begins another one, and Ctrl or Command with it saves.
document.querySelectorAll(".edit").forEach((cell) => {
  cell.tabIndex = 0; cell.setAttribute("role", "button");
  const open = () => {
    if (cell.nextElementSibling?.className === "edit-field") return;
    const { name, key, value } = cell.dataset;
    const long = "long" in cell.dataset;
    const field = document.createElement(long ? "textarea" : "input");
    field.value = value; field.setAttribute("aria-label", name);
    const box = document.createElement("span"); box.className = "edit-field"; box.append(field);
    if (!long && ["yes", "no"].includes(value)) { field.type = "checkbox"; field.checked = value === "yes"; }
    cell.hidden = true; cell.after(box); field.focus();
    const close = () => { box.remove(); cell.hidden = false; };
    const save = async () => {
      const sent = field.type === "checkbox" ? (field.checked ? "yes" : "no") : field.value;
      if (sent === value) return close();
      const answer = await fetch(new URL("ajax/update/", location.href.split("?")[0]), {
        method: "POST", headers: { "X-CSRF-Token": token },
        body: new URLSearchParams({ csrf_token: token, name, key, was: value, value: sent }),
      });
      const words = await answer.text();
      if (answer.ok) { cell.innerHTML = words; cell.dataset.value = sent; close(); }
      else { field.setCustomValidity(answer.status < 500 && words.length < 300 ? words : "…"); field.reportValidity(); field.setCustomValidity(""); }
    };
    const ends = (event) => event.key === "Enter" && (!long || event.ctrlKey || event.metaKey);
    field.addEventListener("keydown", (event) => { if (ends(event)) { event.preventDefault(); save(); } if (event.key === "Escape") close(); });
    field.addEventListener(field.type === "checkbox" ? "change" : "blur", save);
  };
  cell.addEventListener("click", open);
  cell.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); open(); } });
});
