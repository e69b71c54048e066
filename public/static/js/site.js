/* On every page: nothing but what a first press needs. The checkout and the sign-in load when used,
   and any failure follows the link that was pressed, so that a page always works. */
(() => {
  "use strict";
  const me = document.currentScript;
  document.documentElement.classList.add("scripted");

  const style = (href) => new Promise((done) => {
    if (document.querySelector(`link[href="${href}"]`)) { done(); return; }
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    link.onload = link.onerror = () => done();
    document.head.append(link);
  });

  const open = async (link, script) => {
    if (link.getAttribute("aria-disabled") === "true") return;
    link.setAttribute("aria-disabled", "true");
    try {
      const [module] = await Promise.all([import(script), style(me.dataset.checkoutCss)]);
      await module.open(link);
    } catch {
      location.assign(link.href);
    } finally {
      link.removeAttribute("aria-disabled");
    }
  };

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a[data-payment-button], a[data-sign-in]");
    if (!link || !("showModal" in HTMLDialogElement.prototype)) return;
    event.preventDefault();
    open(link, new URL("paymentButton" in link.dataset ? me.dataset.checkoutJs : me.dataset.signInJs, me.src).href);
  });

  /* A menu opened over a small screen closes once one of its links is followed. */
  const menu = document.getElementById("menu");
  menu?.addEventListener("click", (event) => {
    if (event.target.closest("a") && menu.matches(":popover-open")) menu.hidePopover();
  });

  const page = document.querySelector("[data-checkout]");
  if (page) import(new URL(me.dataset.checkoutJs, me.src).href).then((module) => module.enliven(page)).catch(() => {
    document.documentElement.classList.remove("scripted");
  });
})();
