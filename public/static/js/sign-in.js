/* Signing in over the page: the sign-in page's own form, in a dialog, address first and code next. */

import { frame } from "./dialog.js";

const JSON_HEADERS = { "Content-Type": "application/json", Accept: "application/json" };

/** Fetch /login and show its form in a dialog. Throws when it cannot: the caller follows the link. */
export async function open(link) {
  const answer = await fetch("/login", { headers: { Accept: "text/html" }, credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const form = page.querySelector("[data-sign-in-form]");
  if (!answer.ok || !form) throw new Error("no form to show");
  const panel = document.createElement("div");
  panel.className = "sign-in stack";
  const title = Object.assign(document.createElement("h1"), { id: "sign-in-title", textContent: page.querySelector("h1").textContent });
  panel.append(title, document.importNode(form, true));
  const dialog = frame(panel, "sign-in-title");
  dialog.showModal();
  enliven(panel.querySelector("[data-sign-in-form]"), link.dataset.signIn);
  panel.querySelector("input[type=email]").focus();
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
}

function enliven(panel, next) {
  const [first, second] = panel.querySelectorAll("form");

  const say = (form, text) => {
    const place = form.querySelector("[data-problem]");
    place.textContent = text || "";
    place.hidden = !text;
  };

  const step = (form) => {
    first.hidden = form !== first;
    second.hidden = form !== second;
    form.querySelector("input:not([type=hidden])").focus();
  };

  async function send(form, address, body) {
    const button = form.querySelector("button");
    button.disabled = true;
    say(form, "");
    try {
      const answer = await fetch(address, { method: "POST", headers: JSON_HEADERS, credentials: "same-origin", body: JSON.stringify(body) });
      const content = answer.status === 204 ? {} : await answer.json();
      if (answer.ok) return content;
      say(form, content.error?.message || panel.dataset.failed);
    } catch {
      say(form, panel.dataset.failed);
    } finally {
      button.disabled = false;
    }
    return null;
  }

  const person = () => ({ email: first.elements.email.value.trim(), remember: first.elements.remember.checked, ...(next && { next }) });

  first.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!first.reportValidity()) return;
    if (await send(first, "/api/auth/magic-link/send", person())) step(second);
  });

  second.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!second.reportValidity()) return;
    const done = await send(second, "/api/auth/magic-link/verify-otp", { ...person(), code: second.elements.code.value.trim() });
    if (done) location.assign(done.redirect_url || next || "/");
  });

  panel.querySelector("[data-back]").addEventListener("click", () => step(first));
}
