/* The checkout, in a modal over any page or on its own page. The server's page holds every word
   and every state; this only sends, shows and asks again. What the vault's frame says is a hint;
   our own status address is the truth. */

import { frame } from "./dialog.js";

const STATES = { pending: "card", processing: "processing", action_required: "action", declined: "declined",
  succeeded: "done", expired: "expired", error: "error" };
const EVERY = 1500;
const AT_FIRST = [300, 500, 800]; // Most banks answer within a second: the first looks come sooner.
const THANKS_LAST = 500;
const JSON_HEADERS = { "Content-Type": "application/json", Accept: "application/json" };

/** Fetch the checkout's page and show its panel in a dialog. Throws when it cannot: the caller follows the link. */
export async function open(link) {
  const answer = await fetch(link.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const panel = page.querySelector("[data-checkout]");
  if (!answer.ok || !panel || panel.dataset.state !== "start") throw new Error("no panel to show");
  const dialog = frame(document.importNode(panel, true), panel.querySelector("h1").id);
  dialog.showModal();
  const stop = enliven(dialog.querySelector("[data-checkout]"));
  dialog.addEventListener("close", () => { stop(); dialog.remove(); link.focus(); });
}

/** Bring a panel to life; answers the function that stops its timers. */
export function enliven(panel) {
  const run = { id: panel.dataset.id, status: panel.dataset.status, email: "", timer: 0, clock: 0, looks: 0, vault: "", over: false };
  const all = (selector) => panel.querySelectorAll(selector);
  const one = (selector) => panel.querySelector(selector);

  function show(state, spoken = true) {
    panel.dataset.state = state;
    for (const part of all("[data-when]")) part.hidden = part.dataset.when !== state;
    const title = one(`[data-when="${state}"] h2`);
    if (spoken && title) one("[data-spoken]").textContent = title.textContent;
  }

  function say(name, text) {
    for (const slot of all(`[data-slot="${name}"]`)) {
      if (text) slot.textContent = text;
      if (name !== "message") slot.hidden = !text;
    }
  }

  function problem(text) {
    const place = one("[data-problem]");
    place.textContent = text || "";
    place.hidden = !text;
  }

  function lines(list) {
    one('[data-slot="lines"]')?.replaceChildren(...list.map(({ label, amount_text: amount }) => {
      const line = document.createElement("li");
      line.append(...[label, amount].map((text) => Object.assign(document.createElement("span"), { textContent: text })));
      return line;
    }));
  }

  function card(answer) {
    run.id = answer.id;
    run.status = answer.status_url.includes("/api/") ? answer.status_url : `/api/payments/status/${encodeURIComponent(answer.id)}`;
    if (answer.lines) lines(answer.lines);
    if (answer.today_text) { say("today_text", answer.today_text); say("then_text", answer.then_text); }
    problem("");
    run.looks = 0;
    if (!answer.capture_url) { show("processing"); ask(0); return; }
    run.vault = new URL(answer.capture_url, location.href).origin;
    frameFor(answer.capture_url);
    countdown(answer.expires_at);
    show("card");
    one("[data-vault]").focus();
    ask();
  }

  /* Each try has a frame of its own: one used again would put every form into the page's history,
     and going back would send the former card anew. */
  function frameFor(address) {
    const used = one("[data-vault]");
    const frame = used.cloneNode();
    frame.src = address;
    used.replaceWith(frame);
  }

  function countdown(until) {
    clearInterval(run.clock);
    const place = one("[data-countdown]");
    const end = Date.parse(until);
    if (!place || Number.isNaN(end)) return;
    const tick = () => {
      const left = Math.max(0, Math.round((end - Date.now()) / 1000));
      place.textContent = panel.dataset.left.replace("{time}", `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`);
      if (!left) { clearInterval(run.clock); if (panel.dataset.state === "card") ask(0); }
    };
    tick();
    run.clock = setInterval(tick, 1000);
  }

  async function send(address, body) {
    const answer = await fetch(address, { method: "POST", headers: JSON_HEADERS, credentials: "same-origin", body: JSON.stringify(body) });
    return [answer, await answer.json()];
  }

  function refused({ error }) {
    problem(error?.message || panel.dataset.failed);
    if (!error?.url) return;
    one("[data-manage] a").href = error.url;
    one("[data-manage]").hidden = false;
  }

  function go(address) {
    const url = new URL(address, location.href);
    if (url.protocol !== "https:" && url.protocol !== "http:") return;
    if ("embed" in panel.dataset && parent !== window) parent.postMessage({ weokto: "go", url: url.href }, "*");
    else location.assign(url.href);
  }

  function ask(wait = EVERY) {
    clearTimeout(run.timer);
    if (run.over || !run.status) return;
    run.timer = setTimeout(look, wait);
  }

  async function look() {
    try {
      const answer = await fetch(run.status, { headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store" });
      if (answer.ok) { turn(await answer.json()); return; }
      if (answer.status === 404 || answer.status === 410) { say("message", (await answer.json()).error.message); show("expired"); return; }
    } catch { /* The network went away for a moment; the next look may reach the server. */ }
    ask(EVERY * 2);
  }

  function turn({ status, message, redirect_url: next, retry }) {
    let state = STATES[status] || "processing";
    if (state === "declined" && retry === false) state = "over";
    if (state === "card") { ask(); return; }
    const fresh = panel.dataset.state !== state;
    say("message", message);
    for (const link of next ? all('[data-link="redirect_url"]') : []) link.href = next;
    if (fresh) show(state);
    if (state === "processing") { ask(AT_FIRST[run.looks++] ?? EVERY); return; }
    if (state === "error") { ask(EVERY * 4); return; }
    clearInterval(run.clock);
    if (state === "action") ask(EVERY * 2);
    if (fresh && next && (state === "done" || (state === "action" && !("embed" in panel.dataset)))) setTimeout(go, THANKS_LAST, next);
  }

  function checked(form) {
    let first = null;
    for (const name of ["email", "consent"]) {
      const field = form.elements[name];
      if (!field) continue;
      const bad = !field.checkValidity();
      field.toggleAttribute("aria-invalid", bad);
      if (bad) field.setAttribute("aria-invalid", "true");
      const words = form.querySelector(`[data-error="${name}"]`);
      if (words) words.hidden = !bad;
      if (bad) first ??= field;
    }
    first?.focus();
    return !first;
  }

  async function submit(event, address, body) {
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    try {
      const [answer, content] = await send(address, body);
      if (answer.ok) card(content); else refused(content);
    } catch {
      problem(panel.dataset.failed);
    } finally {
      button.disabled = false;
    }
  }

  one("[data-start]")?.addEventListener("submit", (event) => {
    const form = event.target;
    if (!checked(form)) { event.preventDefault(); return; }
    const body = { button_key: panel.dataset.key, consent: true };
    const email = form.elements.email?.value.trim();
    const click = form.elements.click?.value;
    if (email) body.email = email;
    if (click) body.click_id = click;
    submit(event, panel.dataset.initiate, body);
  });

  one("[data-again]")?.addEventListener("submit", (event) => {
    if (run.id) submit(event, panel.dataset.retry + encodeURIComponent(run.id), {});
  });

  function heard(event) {
    const vault = one("[data-vault]");
    if (!vault || event.source !== vault.contentWindow || event.origin !== run.vault) return;
    if (panel.dataset.state === "card") show("processing");
    ask(0);
  }
  addEventListener("message", heard);

  const already = one("[data-vault]")?.src;
  if (already) { run.vault = new URL(already).origin; countdown(one("[data-countdown]")?.dataset.expires); }
  if (["card", "processing", "error", "action"].includes(panel.dataset.state)) ask();
  if (panel.dataset.state === "done") setTimeout(go, EVERY, one('[data-when="done"] [data-link]').href);

  return () => {
    run.over = true;
    clearTimeout(run.timer);
    clearInterval(run.clock);
    removeEventListener("message", heard);
  };
}
