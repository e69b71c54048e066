/* The dialog that the checkout and the sign-in are shown in. */

/** A dialog around a panel, closed by its cross, Escape, or the browser's back gesture on a phone. */
export function frame(panel, labelledBy) {
  const dialog = document.createElement("dialog");
  dialog.className = "modal";
  dialog.setAttribute("aria-labelledby", labelledBy);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "modal-close";
  close.textContent = "×";
  close.setAttribute("aria-label", document.documentElement.lang === "fr" ? "Fermer" : "Close");
  close.addEventListener("click", () => dialog.close());
  dialog.append(close, panel);
  document.body.append(dialog);
  return dialog;
}
