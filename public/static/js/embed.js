/* A payment button on any page: <script src=".../embed.js" data-payment-button="key" async></script>.
   Puts a real link after the script, keeps the page's ?ref=, and opens the checkout over the page where
   it may; whatever fails, the link leads to the checkout. Styles live in a shadow root.
   A page that says a price itself gives it as data-price="49,00": it is told where the button was seen. */
(() => {
  "use strict";
  const script = document.currentScript;
  const key = script?.dataset.paymentButton;
  if (!key) return;
  const home = new URL(script.src).origin;
  const ref = new URLSearchParams(location.search).get("ref");
  const target = new URL(`/checkout/${encodeURIComponent(key)}`, home);
  if (ref) target.searchParams.set("ref", ref);

  const host = document.createElement("span");
  const root = host.attachShadow({ mode: "open" });
  const css = `:host{display:inline-block}
a{display:inline-flex;align-items:center;justify-content:center;min-height:48px;box-sizing:border-box;padding:.7rem 1.4rem;border-radius:var(--payment-button-radius,8px);background:var(--payment-button-background,#5b2aa8);color:var(--payment-button-color,#fff);font:650 1rem/1.2 system-ui,sans-serif;text-decoration:none}
a:hover{filter:brightness(1.12)}a:focus-visible,button:focus-visible{outline:3px solid #b794f4;outline-offset:3px}
dialog{width:min(100% - 1.5rem,30rem);height:min(100dvh - 1.5rem,46rem);padding:0;border:0;border-radius:14px;overflow:hidden;background:#fff}
dialog::backdrop{background:rgb(0 0 0/.62)}iframe{width:100%;height:100%;border:0;display:block}
button{position:absolute;top:.6rem;right:.6rem;width:44px;height:44px;border:0;border-radius:50%;background:#fff;color:#111;font:400 1.35rem/1 system-ui;cursor:pointer;box-shadow:0 1px 6px rgb(0 0 0/.3)}`;
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
  } catch { /* An older browser shows the link unstyled, which still sells. */ }

  const link = Object.assign(document.createElement("a"), { href: target.href, textContent: script.dataset.text || "S'inscrire" });
  link.setAttribute("part", "button");
  root.append(link);
  script.after(host);

  const french = /^fr/i.test(document.documentElement.lang || navigator.language);

  function frame() {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", link.textContent);
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
    close.setAttribute("aria-label", french ? "Fermer" : "Close");
    close.addEventListener("click", () => dialog.close());
    const page = new URL(target);
    page.searchParams.set("embed", "1");
    const iframe = Object.assign(document.createElement("iframe"), { src: page.href, title: link.textContent, allow: "payment" });
    const hear = (event) => {
      if (event.origin !== home || event.source !== iframe.contentWindow || event.data?.weokto !== "go") return;
      const next = new URL(event.data.url, home);
      if (/^https?:$/.test(next.protocol)) location.assign(next.href);
    };
    addEventListener("message", hear);
    dialog.addEventListener("close", () => { removeEventListener("message", hear); dialog.remove(); link.focus(); });
    dialog.append(iframe, close);
    root.append(dialog);
    return dialog;
  }

  link.addEventListener("click", (event) => {
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || !window.HTMLDialogElement) return;
    event.preventDefault();
    const leave = () => location.assign(target.href);
    /* A host whose policy forbids our frame says so in an event: then the link is followed. */
    addEventListener("securitypolicyviolation", (event) => { if (event.blockedURI.startsWith(home)) leave(); }, { once: true });
    try { frame().showModal(); } catch { leave(); }
  });

  /* "1 490,00 €" in cents; null for what is no price. */
  function cents(words) {
    const parts = /^(\d{1,7})(?:[.,](\d{1,2}))?$/.exec(words.replace(/\s|€|EUR/gi, ""));
    return parts && Number(parts[1]) * 100 + Number((parts[2] || "").padEnd(2, "0"));
  }

  /* Whether every link of the page itself to what is bought takes its ?ref= along. */
  const keepsRef = () => [...document.links].every(({ origin, pathname, search }) =>
    origin !== home || !/^\/(checkout|p)\//.test(pathname) || /[?&](ref|click)=/.test(search));

  function report(amount) {
    const written = script.dataset.price;
    const price = written === undefined ? amount : cents(written);
    const seen = { key, page: location.origin + location.pathname, price, price_follows: written === undefined, ...(ref && { keeps_ref: keepsRef() }) };
    navigator.sendBeacon?.(`${home}/api/payments/button-seen`, new Blob([JSON.stringify(seen)], { type: "text/plain" }));
  }

  async function dress() {
    const answer = await fetch(`${home}/api/payments/button-config?key=${encodeURIComponent(key)}`, { credentials: "omit" });
    if (answer.status === 404) { host.remove(); return; }
    const config = await answer.json();
    if (!script.dataset.text && config.cta_text) link.textContent = config.cta_text;
    link.title = [config.plan_name, config.terms_text].filter(Boolean).join(" · ");
    if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done, { once: true }));
    report(config.amount);
  }
  dress().catch(() => { /* The link stands without its details. */ });
})();
