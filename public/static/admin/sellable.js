// New to sell: slugs, name and key follow what is typed until they are typed themselves.
const form = document.getElementById("sellable");
const field = (name) => form.elements[name];
const slug = (words) => words.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/œ/gi, "oe").replace(/æ/gi, "ae")
  .toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+/, "").slice(0, 64).replace(/-+$/, "");
const both = (...parts) => parts.filter(Boolean);

const existing = field("product-existing");
const ours = [...document.querySelectorAll("#step-1 .field")].filter((each) => !each.contains(existing));
const product = () => {
  const { slug: known, name } = existing.selectedOptions[0].dataset;
  return existing.value ? { name, slug: known } : { name: field("product-name").value, slug: field("product-slug").value };
};
const suggestions = {
  "product-slug": () => slug(field("product-name").value),
  "plan-slug": () => slug(both(product().slug, field("plan-name").value).join("-")),
  "button-display_name": () => both(product().name, field("plan-name").value).join(" · "),
  "button-button_key": () => slug(both(product().slug, field("plan-name").value).join("-")),
};
const typed = new Set(Object.keys(suggestions).filter((name) => field(name).value));
const follow = () => {
  ours.forEach((each) => { each.hidden = Boolean(existing.value); });
  for (const [name, suggest] of Object.entries(suggestions)) if (!typed.has(name)) field(name).value = suggest();
};
form.addEventListener("input", ({ target }) => {
  if (target.name in suggestions) target.value ? typed.add(target.name) : typed.delete(target.name);
  if (target.name in suggestions && !target.value) return;
  follow();
});
form.addEventListener("submit", () => { form.querySelector("button.button").disabled = true; });
addEventListener("pageshow", () => { form.querySelector("button.button").disabled = false; });
follow();
